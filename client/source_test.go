package client_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pealhq/peal/client"
)

func TestSources(t *testing.T) {
	c, address, _ := start(t)
	ctx := t.Context()
	source := must[client.Source](t)(c.CreateSource(ctx, client.SourceCreateRequest{
		Name: "vpn", SourceRequest: client.SourceRequest{Format: new("wireguard-portal"), Secret: new("Bearer one"), Description: new("d")},
	}))
	want := client.Source{
		ID: source.ID, Tenant: "default", Name: "vpn", Paths: []string{"/in/" + source.ID, "/in/vpn", "/in/default/vpn"}, Format: "wireguard-portal",
		Secret: "[set]", Dedup: "id", Description: "d", Status: "active", CreatedAt: source.CreatedAt, UpdatedAt: source.UpdatedAt,
	}
	if diff := cmp.Diff(want, source); diff != "" {
		t.Error(diff)
	}
	send := func(authorization string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/in/vpn", strings.NewReader(`{"event":"connect","entity":"peer","identifier":"p","payload":{}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", authorization)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	rotation := must[client.Rotation](t)(c.RotateSourceSecret(ctx, source.ID, client.RotateRequest{OverlapSeconds: new(60)}))
	for secret, want := range map[string]int{rotation.Secret: 202, "Bearer one": 202, "Bearer other": 401} {
		if got := send(secret); got != want {
			t.Errorf("%q is answered %d, want %d", secret, got, want)
		}
	}
	got := must[client.Source](t)(c.Source(ctx, source.ID))
	if n := got.Counts; n.Accepted != 2 || n.Refused != 1 || n.Duplicate != 0 || n.LastRefusal == "" || n.LastRefusedAt.IsZero() || n.LastAcceptedAt.IsZero() {
		t.Errorf("counted %+v", got.Counts)
	}
	changed := must[client.Source](t)(c.UpdateSource(ctx, source.ID, client.SourceRequest{
		Unverified: new(true), Dedup: new("body"), Status: new("disabled"), Clear: []string{"secret", "description"},
	}))
	if !changed.Unverified || changed.Secret != "" || changed.Dedup != "body" || changed.Status != "disabled" || changed.Description != "" {
		t.Errorf("changed to %+v", changed)
	}
	page := must[client.Page[client.Source]](t)(c.Sources(ctx, client.SourcesQuery{}))
	if diff := cmp.Diff([]client.Source{changed}, page.Data); diff != "" {
		t.Error(diff)
	}
	if err := c.DeleteSource(ctx, source.ID); err != nil {
		t.Error(err)
	}
	for _, err := range c.AllSources(ctx, client.SourcesQuery{}) {
		t.Errorf("there is still a source, or %v", err)
	}
	if _, err := c.CreateSource(ctx, client.SourceCreateRequest{Name: "a b", SourceRequest: client.SourceRequest{Format: new("dejacode"), Unverified: new(true)}}); client.StatusOf(err) != http.StatusUnprocessableEntity {
		t.Errorf("a bad name: %v", err)
	}
}
