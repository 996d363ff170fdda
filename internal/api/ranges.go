package api

// rangesShape are the networks that requests to endpoints come from.
type rangesShape struct {
	Ranges []string `json:"ranges" nullable:"false" doc:"Networks such as 192.0.2.0/24 and 2001:db8::/32; empty when none are published."`
}

func (a *API) ipRanges(c *call) error {
	shape := rangesShape{Ranges: make([]string, len(a.Ranges))}
	for i, prefix := range a.Ranges {
		shape.Ranges[i] = prefix.String()
	}
	return c.json(200, shape)
}
