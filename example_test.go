package peal_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/pealhq/peal"
)

func ExampleParseEvent() {
	event, err := peal.ParseEvent([]byte(`{
		"type": "task.created",
		"id": "order-7",
		"time": "2026-11-21T09:30:00.25+01:00",
		"data": {"total": 12345678901234567890.10}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(event.Type, event.ID)
	fmt.Println(event.Time, "is", event.Time.Time().UTC())
	fmt.Println(string(event.Data))
	// Output:
	// task.created order-7
	// 2026-11-21T09:30:00.25+01:00 is 2026-11-21 08:30:00.25 +0000 UTC
	// {"total": 12345678901234567890.10}
}

func ExampleParseEvent_error() {
	_, err := peal.ParseEvent([]byte(`{"type": "task.created", "data": [1, 2,]}`))
	var invalid *peal.Error
	if errors.As(err, &invalid) {
		fmt.Println(invalid.Code, invalid.Field)
		fmt.Println(invalid.Message)
	}
	// Output:
	// invalid data
	// is not valid JSON: expected a value at byte 39
}

func ExampleParseBatch() {
	events, err := peal.ParseBatch([]byte(`{"events": [
		{"type": "task.created", "data": {"id": 1}},
		{"type": "task created", "data": {"id": 2}}
	]}`))
	fmt.Println(len(events), err)
	// Output:
	// 0 events[1].type: must be segments of letters, digits, "_" and "-" joined by dots, such as task.created
}

func ExampleEvent_Validate() {
	event := peal.Event{Type: "task.created", Subject: "tasks/7", Data: []byte(`{"done": false}`)}
	fmt.Println(event.Validate(peal.DefaultMaxData))
	fmt.Println(event.Validate(10))
	// Output:
	// <nil>
	// data: is 15 bytes, at most 10 are accepted; publish a reference to large content instead
}

func ExampleWebhook_Validate() {
	webhook := peal.Webhook{
		URL:     "https://example.com/hooks#tasks",
		Events:  []string{"task.*", "project.created"},
		Timeout: peal.DefaultTimeout,
		Status:  peal.Active,
	}
	fmt.Println(webhook.Validate())
	webhook.URL = "https://example.com/hooks"
	fmt.Println(webhook.Validate())
	// Output:
	// url: must not have a fragment (#…), which is never sent
	// <nil>
}

func ExampleMatchPattern() {
	for _, pattern := range []string{"task.created", "task.*", "*", "project.*"} {
		fmt.Println(pattern, peal.MatchPattern(pattern, "task.created"))
	}
	// Output:
	// task.created true
	// task.* true
	// * true
	// project.* false
}

func ExampleParseWebhookID() {
	id, err := peal.ParseWebhookID("webhook_01h455vb4pex5vsknk084sn02q")
	fmt.Println(id, id.Time().Truncate(time.Second), err)
	_, err = peal.ParseWebhookID("delivery_01h455vb4pex5vsknk084sn02q")
	fmt.Println(err)
	// Output:
	// webhook_01h455vb4pex5vsknk084sn02q 2023-06-30 03:34:18 +0000 UTC <nil>
	// id: is not the id of a webhook; it must be "webhook_" and 26 characters of 0-9 and a-z
}

func ExampleRetryPolicy_Next() {
	policy := peal.RetryPolicy{Delays: []time.Duration{time.Minute, time.Hour}}
	for tries := 1; ; tries++ {
		delay, again := policy.Next(tries, 90*time.Second) // the endpoint asked for a pause of 90 s
		if !again {
			fmt.Println("failed for good after", tries, "tries")
			break
		}
		fmt.Println("after try", tries, "wait", delay)
	}
	// Output:
	// after try 1 wait 1m30s
	// after try 2 wait 1h0m0s
	// failed for good after 3 tries
}

func ExampleSecret() {
	secret := peal.Secret{Value: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}
	fmt.Printf("%v %+v %q\n", secret, secret, secret)
	// Output:
	// [redacted] [redacted] [redacted]
}

func ExampleReason_Remedy() {
	fmt.Println(peal.ReasonRedirect.Remedy())
	// Output:
	// The endpoint answered with a redirect, which is never followed. Set the webhook's URL to where it points.
}
