package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/pealhq/peal/client"
)

const sourceHeads = "ID, NAME, STATUS, FORMAT, ACCEPTED, DUPLICATE, REFUSED, LAST"

func sourceRow(c *call, s client.Source) []string {
	n := s.Counts
	return []string{s.ID, s.Name, s.Status, s.Format, fmt.Sprint(n.Accepted), fmt.Sprint(n.Duplicate), fmt.Sprint(n.Refused), c.ago(n.LastAcceptedAt)}
}

func printSource(c *call, w io.Writer, s client.Source) {
	var addresses []string
	for _, path := range s.Paths {
		addresses = append(addresses, strings.TrimRight(c.url, "/")+path)
	}
	verified := "with the secret"
	if s.Unverified {
		verified = "no: it takes requests from anybody who knows the address"
	}
	dedup := "the sender's id repeats"
	if s.Dedup == "body" {
		dedup = "the body repeats"
	}
	fields(w, []field{
		{"id", s.ID}, {"tenant", s.Tenant}, {"name", s.Name}, {"address", strings.Join(addresses, "\n")},
		{"format", s.Format}, {"verified", verified}, {"duplicate when", dedup}, {"status", s.Status},
		{"description", s.Description}, {"accepted", fmt.Sprint(s.Counts.Accepted)},
		{"duplicate", positive(int(s.Counts.Duplicate))}, {"refused", positive(int(s.Counts.Refused))},
		{"last accepted", exact(s.Counts.LastAcceptedAt)}, {"last refused", exact(s.Counts.LastRefusedAt)},
		{"because", s.Counts.LastRefusal}, {"created", exact(s.CreatedAt)}, {"updated", exact(s.UpdatedAt)},
	})
}

func askSource(c *call, api *client.Client) (string, error) {
	source, err := api.Source(c.ctx, c.args[0])
	return "Delete the source " + source.Name + " and refuse what its sender sends?", err
}
