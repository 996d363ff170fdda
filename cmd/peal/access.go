package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pealhq/peal/client"
)

const keyHeads = "ID, NAME, TENANT, SCOPES, KEY, CREATED, REVOKED"

func keyRow(c *call, k client.Key) []string {
	return []string{k.ID, k.Name, k.Tenant, strings.Join(k.Scopes, ","), "…" + k.Hint, c.ago(k.CreatedAt), c.ago(k.RevokedAt)}
}

func printNewKey(_ *call, w io.Writer, key client.CreatedKey) {
	fields(w, []field{
		{"id", key.ID}, {"name", key.Name}, {"tenant", key.Tenant},
		{"scopes", strings.Join(key.Scopes, ", ")}, {"key", key.Key},
	})
	fmt.Fprintln(w, "\nKeep the key now: it is not shown again.")
}

func rotateEncryption(c *call) error {
	encryption, err := ask(c, "rotate the encryption key", func(api *client.Client, ctx context.Context) (client.Encryption, error) {
		encryption, err := api.RotateEncryption(ctx)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for err == nil && encryption.Status == "running" {
			select {
			case <-ctx.Done():
				return encryption, ctx.Err()
			case <-tick.C:
				encryption, err = api.Encryption(ctx)
			}
		}
		if err == nil && encryption.Status == "failed" {
			err = errors.New(encryption.Error)
		}
		return encryption, err
	})
	if err != nil {
		return err
	}
	return c.show(func(w io.Writer) {
		fields(w, []field{
			{"key", encryption.KeyID}, {"resealed", fmt.Sprint(encryption.Resealed)},
			{"older keys", strings.Join(encryption.OlderKeyIDs, ", ")},
		})
		if !encryption.FromFile {
			fmt.Fprintln(w, "\nNothing needs the older keys any more: take them out of the configuration, and keep them for older backups.")
		}
	})
}

const userHeads = "ID, NAME, TENANT, ROLE, CREATED"

func userRow(c *call, u client.User) []string {
	return []string{u.ID, u.Name, cmp.Or(u.Tenant, "(every)"), u.Role, c.ago(u.CreatedAt)}
}

func printUser(_ *call, w io.Writer, u client.User) {
	fields(w, []field{{"id", u.ID}, {"name", u.Name}, {"tenant", cmp.Or(u.Tenant, "(every)")}, {"role", u.Role}})
}

const sessionHeads = "ID, KIND, NAME, TENANT, ROLE, FROM, STARTED, EXPIRES, REVOKED"

func sessionRow(c *call, s client.Session) []string {
	return []string{
		s.ID, s.Kind, s.Name, cmp.Or(s.Tenant, "(every)"), s.Role, s.Address, c.ago(s.CreatedAt), c.ago(s.ExpiresAt), c.ago(s.RevokedAt),
	}
}

func signOut(c *call) error {
	end := func(api *client.Client, ctx context.Context, id string) (client.Revoked, error) {
		if strings.HasPrefix(id, "session_") {
			return client.Revoked{Revoked: 1}, api.RevokeSession(ctx, id)
		}
		return api.RevokeUserSessions(ctx, id)
	}
	return one("sign out %s", end, func(_ *call, w io.Writer, ended client.Revoked) {
		fmt.Fprintf(w, "sessions ended: %d\n", ended.Revoked)
	})(c)
}

const linkHeads = "ID, NAME, TENANT, CREATED, EXPIRES, USED, REVOKED"

func linkRow(c *call, l client.PortalLink) []string {
	return []string{l.ID, l.Name, l.Tenant, c.ago(l.CreatedAt), c.ago(l.ExpiresAt), c.ago(l.UsedAt), c.ago(l.RevokedAt)}
}

func printNewLink(c *call, w io.Writer, l client.CreatedPortalLink) {
	fields(w, []field{{"id", l.ID}, {"tenant", l.Tenant}, {"expires", c.ago(l.ExpiresAt)}, {"url", l.URL}})
}

const auditHeads = "AT, BY, NAME, TENANT, ACTION, TARGET, DETAIL, FROM"

func auditRow(_ *call, e client.AuditEntry) []string {
	return []string{exact(e.At), e.ActorKind, e.Actor, e.Tenant, e.Action, e.Target, e.Detail, e.Address}
}

func exportAudit(c *call) error {
	query := client.AuditLogQuery{PageQuery: client.PageQuery{Limit: 200}}
	if err := c.fill(&query); err != nil {
		return err
	}
	api, err := c.connect()
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(c.Stdout)
	for entry, err := range api.AllAuditLog(c.ctx, query) {
		if err != nil {
			return fmt.Errorf("export the audit log: %w", err)
		}
		if err := encoder.Encode(entry); err != nil {
			return err
		}
	}
	return nil
}
