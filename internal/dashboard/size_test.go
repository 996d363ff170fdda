package dashboard_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/pealhq/peal"
)

// Pages read small tables and ranges of indexes, with any amount of history.
// PEAL_DASHBOARD_DELIVERIES sets the number of deliveries to insert first; the log has the time of
// each page.
func TestPagesOverMuchHistory(t *testing.T) {
	many := 2000
	if text := os.Getenv("PEAL_DASHBOARD_DELIVERIES"); text != "" {
		var err error
		if many, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	s := startServer(t)
	data := seed(t, s)
	ctx, store, node := t.Context(), s.Store(), s.Engine().Node()
	_, version, err := store.RoutesSince(ctx, 1<<60)
	if err != nil {
		t.Fatal(err)
	}
	for done := 0; done < many; done += 500 {
		var insertions []peal.Insertion
		var settlements []peal.Settlement
		for i := range 500 {
			key, id := peal.NewEventKey(), peal.NewDeliveryID()
			w := &data.webhooks[1+i%4]
			insertions = append(insertions, peal.Insertion{
				Event:      &peal.Event{Key: key, ID: key.String(), Tenant: w.Tenant, Type: "task.created", Time: peal.TimestampOf(key.Time()), Data: []byte(`{"id":789}`)},
				Deliveries: []peal.NewDelivery{{ID: id, WebhookID: w.ID, Held: true}},
			})
			settlements = append(settlements, peal.Settlement{
				Attempt:   peal.Attempt{ID: peal.NewAttemptID(), DeliveryID: id, Number: 1, StartedAt: id.Time(), StatusCode: 200},
				WebhookID: w.ID, Status: peal.Success, Tries: 1, SettledAt: id.Time(),
			})
		}
		if _, err := store.Insert(ctx, node, version, insertions); err != nil {
			t.Fatal(err)
		}
		if err := store.Settle(ctx, node, settlements); err != nil {
			t.Fatal(err)
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	client := &http.Client{Jar: jar, Transport: transport}
	base := "http://" + s.Addr()
	signedIn, err := client.Get(base + s.FirstRunPath())
	if err != nil {
		t.Fatal(err)
	}
	signedIn.Body.Close()
	made, err := client.PostForm(base+"/first-user", url.Values{"name": {"ada@example.com"}, "password": {"a long password of Ada's"}})
	if err != nil {
		t.Fatal(err)
	}
	made.Body.Close()
	for name, path := range pagesOf(data) {
		begun := time.Now()
		answer, err := client.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s answers %d", path, answer.StatusCode)
		}
		t.Logf("%s over %d deliveries: %s", name, many, time.Since(begun).Round(time.Millisecond/10))
	}
}
