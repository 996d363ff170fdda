package api

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/pealhq/peal"
)

var dryRunParam = param{"dry_run", "true only counts what would be replayed.", huma.Schema{Type: "string", Enum: []any{"true", "false"}}}

func (a *API) replayRoutes() []route {
	return []route{{
		method: http.MethodPost, path: "/v1/webhooks/{id}/replay", id: "replay-webhook", tag: "Webhooks", access: manage, part: peal.PartReplays, audit: "webhook.replay", query: []param{dryRunParam}, body: replayInput{},
		summary: "Send a webhook its deliveries of a time again",
		description: "A job makes them pending for a new round of the retry policy, in the background and also after a restart; the receiver sees the same ids as before. " +
			"With `missed` it also makes deliveries of events that the webhook wants now and never got, because it was disabled or not there yet. While the webhook is paused they are held.",
		answers: []answer{
			{status: http.StatusAccepted, doc: "The job, which has begun.", body: replayShape{}, headers: map[string]string{"Location": "The job's path."}},
			{status: http.StatusOK, doc: "With dry_run: what would be replayed.", body: replayCountShape{}},
		},
		errors: []kind{conflict}, handle: a.replayWebhook,
	}, {
		method: http.MethodGet, path: "/v1/webhooks/{id}/replays", id: "list-webhook-replays", tag: "Webhooks", access: read, part: peal.PartReplays, query: pageParams,
		summary: "List a webhook's replays, newest first",
		answers: ok("A page of replays.", listShape[replayShape]{}), handle: a.listReplays,
	}, {
		method: http.MethodGet, path: "/v1/replays/{id}", id: "get-replay", tag: "Webhooks", access: read, part: peal.PartReplays,
		summary: "Show a replay and how far it is",
		answers: ok("The replay.", replayShape{}), handle: a.getReplay,
	}, {
		method: http.MethodPost, path: "/v1/replays/{id}/cancel", id: "cancel-replay", tag: "Webhooks", access: manage, part: peal.PartReplays, audit: "replay.cancel", body: nothing{}, bodyOptional: true,
		summary: "Cancel a running replay", description: "What it has made pending already is still sent.",
		answers: ok("It is canceled.", replayShape{}), errors: []kind{conflict}, handle: a.cancelReplay,
	}}
}
