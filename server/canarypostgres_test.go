package server_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/pealhq/peal/internal/pgtest"
	"github.com/pealhq/peal/server"
)

// TestDatabaseErrorsShowNoSecrets lets PostgreSQL refuse every row that holds or stands
// for a secret: its errors tell of the row and of the statement.
func TestDatabaseErrorsShowNoSecrets(t *testing.T) {
	c := plantCanaries()
	c["password"] = "a long password of the canaries"
	var log journal
	o := options(t)
	o.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Database, o.EncryptionKey, o.OperatorKey = sharedPostgres.Database(t), encryptionKey, c["operator key"]
	s := start(t, o)
	for _, table := range []string{"webhooks", "sources", "users", "keys", "portal_links"} {
		pgtest.Exec(t, o.Database, "ALTER TABLE peal."+table+" ADD CONSTRAINT refuses CHECK (false) NOT VALID")
	}
	outputs := make(map[string]string)
	for path, body := range map[string]string{
		"/v1/webhooks": `{"url":"https://example.com/?token=` + c["query of a URL"] + `","events":["*"],"secret":"` + c["webhook secret"] + `","authorization":"` + c["authorization"] + `","headers":{"X-Api-Key":"` + c["header value"] + `"}}`,
		"/v1/users":    `{"name":"ann","password":"` + c["password"] + `","role":"viewer"}`,
		"/v1/keys":     `{"name":"reader","scopes":["read"]}`, "/v1/portal-links": `{"name":"carla"}`,
	} {
		answer := get(t, s, o.OperatorKey, http.MethodPost, path, body)
		if !strings.HasPrefix(answer, "500 ") {
			t.Errorf("POST %s answers %s", path, answer)
		}
		outputs["the answer of "+path] = answer
	}
	outputs["a source"] = get(t, s, o.OperatorKey, http.MethodPut, "/v1/sources/in", `{"format":"vikunja","secret":"`+c["source secret"]+`"}`)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	outputs["the log"] = log.String()
	if n := strings.Count(outputs["the log"], `violates check constraint`); n < 4 {
		t.Errorf("the log tells of %d refused rows: %s", n, outputs["the log"])
	}
	c["database password"] = "canary-of-the-database"
	for name, database := range map[string]string{"that is not there": "postgres://peal:" + c["database password"] + "@127.0.0.1:9/peal", "that is none": "postgres://peal:" + c["database password"] + "@127.0.0.1:port/peal"} {
		o.Database = database
		if _, err := server.New(t.Context(), o); err == nil {
			t.Errorf("a database %s is taken", name)
		} else {
			outputs["the error of a database "+name] = err.Error()
		}
	}
	outputs["the whole log"] = log.String()
	for where, output := range outputs {
		c.search(t, where, output)
	}
}
