package client

import "context"

// Version is which Peal the server runs.
type Version struct {
	Version string `json:"version"`
	Go      string `json:"go"`     // the Go release that it was built with
	Commit  string `json:"commit"` // the source revision; "" when unknown
}

// Version asks the server what it runs. No key is needed.
func (c *Client) Version(ctx context.Context) (Version, error) {
	return get[Version](ctx, c, "/version", nil)
}

// Healthy gives nil when the server answers at all. No key is needed.
func (c *Client) Healthy(ctx context.Context) error { return c.probe(ctx, "/healthz") }

// Ready gives nil when the server takes and delivers events now. No key is needed.
func (c *Client) Ready(ctx context.Context) error { return c.probe(ctx, "/readyz") }

func (c *Client) probe(ctx context.Context, path string) error {
	return c.do(ctx, call{method: "GET", path: path, repeat: true}, nil)
}

// IPRanges asks for the networks that requests to endpoints come from, such as
// 192.0.2.0/24; none when the operator publishes none. No key is needed.
func (c *Client) IPRanges(ctx context.Context) ([]string, error) {
	answer, err := get[struct {
		Ranges []string `json:"ranges"`
	}](ctx, c, "/v1/ip-ranges", nil)
	return answer.Ranges, err
}
