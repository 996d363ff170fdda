package client

import (
	"context"
	"net/http"
	"net/url"
)

// ReplayWebhook starts a replay: a job that sends failed or missed events of a period to a webhook
// again. It continues after a restart of the server.
func (c *Client) ReplayWebhook(ctx context.Context, id string, body ReplayRequest) (Replay, error) {
	return send[Replay](ctx, c, call{method: http.MethodPost, path: replayPath(id), body: body})
}

// CountReplay returns the size of a replay without starting it.
func (c *Client) CountReplay(ctx context.Context, id string, body ReplayRequest) (ReplayCount, error) {
	query := url.Values{"dry_run": {"true"}}
	return send[ReplayCount](ctx, c, call{method: http.MethodPost, path: replayPath(id), query: query, body: body, repeat: true})
}

func replayPath(webhook string) string { return "/v1/webhooks/" + url.PathEscape(webhook) + "/replay" }
