package client_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pealhq/peal/client"
)

func TestUsersPortalAndAudit(t *testing.T) {
	c, _, _ := start(t)
	ctx := t.Context()
	user := must[client.User](t)(c.CreateUser(ctx, client.UserCreateRequest{
		Name: "ann", Operator: new(true), UserRequest: client.UserRequest{Password: new("correct horse battery"), Role: new(client.RoleViewer)},
	}))
	if user.Tenant != "" || !user.HasPassword || user.CreatedAt.IsZero() {
		t.Errorf("created %+v", user)
	}
	if changed := must[client.User](t)(c.UpdateUser(ctx, user.ID, client.UserRequest{Role: new(client.RoleOwner)})); changed.Role != "owner" {
		t.Errorf("changed to %+v", changed)
	}
	if ended := must[client.Revoked](t)(c.RevokeUserSessions(ctx, user.ID)); ended.Revoked != 0 {
		t.Errorf("%d sessions ended", ended.Revoked)
	}
	link := must[client.CreatedPortalLink](t)(c.CreatePortalLink(ctx, client.PortalLinkRequest{Name: "carla", ReadOnly: new(true)}))
	response, err := http.Get(link.URL) // which leads on to the portal
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	sessions := must[client.Page[client.Session]](t)(c.Sessions(ctx, client.SessionsQuery{}))
	if len(sessions.Data) != 1 || sessions.Data[0].PortalLinkID != link.ID || sessions.Data[0].Role != "viewer" || sessions.Data[0].Tenant != "default" {
		t.Fatalf("the sessions are %+v", sessions.Data)
	}
	if err := c.RevokeSession(ctx, sessions.Data[0].ID); err != nil {
		t.Error(err)
	}
	if err := c.RevokePortalLink(ctx, link.ID); err != nil {
		t.Error(err)
	}
	links := must[client.Page[client.PortalLink]](t)(c.PortalLinks(ctx, client.PageQuery{}))
	if len(links.Data) != 1 || links.Data[0].UsedAt.IsZero() || links.Data[0].RevokedAt.IsZero() {
		t.Errorf("the links are %+v", links.Data)
	}
	if err := c.DeleteUser(ctx, user.ID); err != nil {
		t.Error(err)
	}
	if _, err := c.User(ctx, user.ID); client.StatusOf(err) != http.StatusNotFound {
		t.Errorf("a deleted user is answered with %v", err)
	}
	var actions []string
	for entry, err := range c.AllAuditLog(ctx, client.AuditLogQuery{PageQuery: client.PageQuery{Limit: 2}, Actor: "operator"}) {
		if err != nil {
			t.Fatal(err)
		}
		actions = append(actions, entry.Action)
	}
	if got := strings.Join(actions, " "); !strings.HasPrefix(got, "user.delete portal_link.revoke session.revoke portal_link.create user.sign_out user.update user.create") {
		t.Errorf("the audit log has %s", got)
	}
}
