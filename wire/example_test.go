package wire_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/wire"
)

// A receiver reads the body's bytes, verifies them, answers at once, and knows by
// the id whether it has seen the event before.
func ExampleVerify() {
	const secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
	seen := make(map[string]bool)
	receiver := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 2<<20))
		if err != nil {
			http.Error(w, "cannot read the body", http.StatusBadRequest)
			return
		}
		if err := wire.Verify("standard", r.Header, body, secret); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent)
		id := r.Header.Get("webhook-id")
		if seen[id] {
			return
		}
		seen[id] = true
		fmt.Printf("%s\n", body)
	})

	request := send(secret, "order-1", `{"total":12.50}`)
	for range 2 { // the second one is a duplicate
		answer := httptest.NewRecorder()
		receiver.ServeHTTP(answer, request())
		fmt.Println(answer.Code)
	}
	// Output:
	// {"type":"order.paid","timestamp":"2026-11-21T10:00:00Z","data":{"total":12.50}}
	// 204
	// 204
}

// send returns the request of a delivery as a receiver gets it.
func send(secret, id, data string) func() *http.Request {
	f, _ := wire.Lookup("standard")
	r, err := f.Request(&wire.Input{
		Event: &peal.Event{
			ID: id, Type: "order.paid", Data: json.RawMessage(data),
			Time: peal.TimestampOf(time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)),
		},
		Webhook:    &peal.Webhook{URL: "https://example.com/hook", Secrets: []peal.Secret{{Value: secret}}},
		DeliveryID: peal.NewDeliveryID(),
		Time:       time.Now(),
	})
	if err != nil {
		panic(err)
	}
	return func() *http.Request {
		request := httptest.NewRequest(http.MethodPost, r.URL, strings.NewReader(string(r.Body)))
		for name, values := range r.Header {
			request.Header.Set(name, values[0])
		}
		return request
	}
}

// A format makes the exact request: here one that Vikunja would send.
func ExampleFormat_Request() {
	f, _ := wire.Lookup("vikunja")
	event, err := peal.ParseEvent([]byte(`{"type":"task.created","time":"2026-11-21T10:30:00.250+01:00","data":{"title": "Write <docs>"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := f.Request(&wire.Input{
		Event:   &event,
		Webhook: &peal.Webhook{URL: "https://example.com/hook", Secrets: []peal.Secret{{Value: "s3cr3t"}}},
		Time:    time.Now(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Header["X-Vikunja-Signature"][0])
	fmt.Println(string(r.Body))
	// Output:
	// b4a647285515d0456dcb83dd78bd03084dda5297ada7beff3a64c880a122cf4d
	// {"event_name":"task.created","time":"2026-11-21T10:30:00.25+01:00","data":{"title":"Write \u003cdocs\u003e"}}
}

// A received request becomes an event again.
func ExampleFormat_decode() {
	f, _ := wire.Lookup("wireguard-portal")
	event, err := f.Decode(nil, []byte(`{"event":"connect","entity":"peer","identifier":"wg0","payload":{"IsConnected":true}}`))
	fmt.Println(event.Type, event.Subject, string(event.Data), err)
	// Output:
	// peer.connect wg0 {"IsConnected":true} <nil>
}

// Something has added a line break to the body on its way.
func ExampleDiagnose() {
	header := http.Header{"X-Hub-Signature-256": {"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}}
	mistakes, err := wire.Diagnose("github", header, []byte("Hello, World!\n"), "It's a Secret to Everybody")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range mistakes {
		fmt.Printf("%s: %s\n", m.Kind, m.Message)
	}
	// Output:
	// body: the line break at the body's end was not signed: something added it; verify the bytes as they came
}
