package dashboard_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/pealhq/peal/internal/bodies"
	"github.com/pealhq/peal/internal/dashboard"
)

// TestOpenForms sends forms of strangers on both sides of the limit, with and without a length.
// Signed-in users may send a large event.
func TestOpenForms(t *testing.T) {
	const open = 16 << 10
	budget := bodies.New(bodies.Default)
	d := newDoorwayWith(t, func(o *dashboard.Options) { o.Bodies = budget })
	d.user("ann")
	send := func(path, form string, length int64) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.url+path, io.NopCloser(strings.NewReader(form)))
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = length
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		got := d.do(r)
		if got.StatusCode == http.StatusRequestEntityTooLarge && !strings.Contains(got.body, "the form is too large") {
			t.Errorf("%s says %s", path, got.body)
		}
		return got.StatusCode
	}
	form := func(size int) string {
		text := url.Values{"name": {"ann"}, "password": {"wrong"}, "next": {"/"}, "more": {""}}.Encode()
		return text + "&x=" + strings.Repeat("x", size-len(text)-3)
	}
	for _, path := range []string{"/login", "/logout", "/first-user", "/portal/leave"} {
		for _, length := range []bool{true, false} {
			for size, tooLarge := range map[int]bool{open: false, open + 1: true, 4 << 20: true} {
				announced := int64(-1)
				if length {
					announced = int64(size)
				}
				if got := send(path, form(size), announced); (got == http.StatusRequestEntityTooLarge) != tooLarge {
					t.Errorf("%s with %d bytes, announced %t: %d", path, size, length, got)
				}
			}
		}
	}
	if got := send("/login", "%zz", 3); got != http.StatusUnprocessableEntity {
		t.Errorf("a form that cannot be read: %d", got)
	}
	if got := send("/publish", form(4<<20), 4<<20); got != http.StatusSeeOther {
		t.Errorf("a large form of a stranger: %d", got)
	}
	d.leads(d.post("/login", url.Values{"name": {"ann"}, "password": {password}}), "/")
	data := `{"x":"` + strings.Repeat("x", 200<<10) + `"}`
	if got := d.post("/publish", url.Values{"type": {"task.created"}, "data": {data}}); got.StatusCode >= 400 {
		t.Errorf("a large event: %d %s", got.StatusCode, got.body)
	}
	if got := send("/publish", form(4<<20+1), -1); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a form of more than 4 MiB: %d", got)
	}
	d.client.CloseIdleConnections()
	if used := budget.Used(); used != 0 {
		t.Errorf("%d bytes stay charged", used)
	}
}
