package transfer_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/secret"
	"github.com/pealhq/peal/internal/transfer"
	"github.com/pealhq/peal/postgres"
	"github.com/pealhq/peal/sqlite"
	"github.com/pealhq/peal/storetest"
)

var key = secret.Key{1, 2, 3}

// move is a database file that moves to a separate database.
type move struct {
	t       *testing.T
	path    string
	sealer  peal.Sealer
	options transfer.Options
}

func newMove(t *testing.T) *move {
	t.Helper()
	sealer, err := secret.NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	m := &move{t: t, path: filepath.Join(t.TempDir(), "peal.db"), sealer: sealer, options: transfer.DefaultOptions()}
	m.options.From, m.options.To = "sqlite:"+m.path, shared.Database(t)
	m.options.EncryptionKey = base64.StdEncoding.EncodeToString(key[:])
	return m
}

func (m *move) openSource() *sqlite.Store {
	m.t.Helper()
	store, err := sqlite.Open(context.Background(), sqlite.Options{Path: m.path, Sealer: m.sealer})
	if err != nil {
		m.t.Fatal(err)
	}
	return store
}

func (m *move) run() *transfer.Report {
	m.t.Helper()
	report, err := transfer.Run(m.t.Context(), m.options)
	if err != nil {
		m.t.Fatal(err)
	}
	return report
}

func (m *move) close(store storetest.Store) {
	m.t.Helper()
	if err := store.Close(); err != nil {
		m.t.Error(err)
	}
}

func (m *move) same(before map[string]any, tenants ...string) {
	m.t.Helper()
	store, err := postgres.Open(context.Background(), postgres.Options{URL: m.options.To, Sealer: m.sealer})
	if err != nil {
		m.t.Fatal(err)
	}
	defer m.close(store)
	after := dump(m.t, store, tenants...)
	// PostgreSQL accepts no character 0 in texts.
	clean := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().Type() == nil || p.Last().Type().Kind().String() == "string" },
		cmp.Transformer("clean", func(s string) string { return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\uFFFD"), "\uFFFD") }))
	if diff := cmp.Diff(before, after, clean, cmpopts.EquateEmpty(), cmpopts.EquateComparable(peal.Timestamp{}), cmpopts.IgnoreUnexported(peal.Event{})); diff != "" {
		m.t.Errorf("what was moved (-before +after):\n%.4000s", diff)
	}
}

// All that a store shows before, the other one shows after; neither is served meanwhile,
// and both are never.
func TestMovesEverything(t *testing.T) {
	m := newMove(t)
	m.options.PageRows = 7
	store := m.openSource()
	fill(t, store, 3)
	first := m.run()
	if first.Moved {
		t.Error("what another has is said to be moved")
	}
	if _, err := postgres.Open(t.Context(), postgres.Options{URL: m.options.To}); peal.CodeOf(err) != peal.Conflict || !strings.Contains(err.Error(), "is not complete") {
		t.Errorf("a database that is being filled opens: %v", err)
	}
	fill2(t, store)
	before := dump(t, store, "acme", "default")
	m.close(store)
	report := m.run()
	all, written := report.Rows()
	if !report.Moved || all == 0 || written == 0 || written >= all {
		t.Errorf("the second pass: moved %t, %d rows, %d written", report.Moved, all, written)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Options{Path: m.path}); peal.CodeOf(err) != peal.Conflict || !strings.Contains(err.Error(), "was moved to postgres://") {
		t.Errorf("a database that was moved opens: %v", err)
	}
	if again := m.run(); !again.Moved || len(again.Tables) > 0 {
		t.Errorf("another run does something: %+v", again)
	}
	m.same(before, "acme", "default")
	if _, err := transfer.Run(t.Context(), m.options); peal.CodeOf(err) != peal.Conflict || !strings.Contains(err.Error(), "in use since") {
		t.Errorf("a database in use is filled again: %v", err)
	}
	if err := transfer.TakeBack(t.Context(), m.options, false); peal.CodeOf(err) != peal.Conflict {
		t.Errorf("what is in use elsewhere is taken back: %v", err)
	}
	if err := transfer.TakeBack(t.Context(), m.options, true); err != nil {
		t.Error(err)
	}
	m.close(m.openSource())
}

// fill2 changes what a first pass has copied.
func fill2(t *testing.T, store storetest.Store) {
	t.Helper()
	ctx := t.Context()
	events, err := store.Deliveries(ctx, peal.DeliveryQuery{Tenant: "acme", Status: peal.Failed, Limit: 1})
	if err != nil || len(events) != 1 {
		t.Fatal(events, err)
	}
	node := peal.NewNodeID()
	if _, err := store.RegisterNode(ctx, peal.Node{ID: node, Name: "again"}); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Reopen(ctx, node, "acme", events[0].ID, moment()); err != nil {
		t.Fatal(err)
	}
	users, err := store.Users(ctx, "", peal.UserID{}, 2) // their names change places
	if err != nil || len(users) != 2 {
		t.Fatal(users, err)
	}
	first, second := users[0], users[1]
	first.Name, second.Name = "aside", users[0].Name
	for _, user := range []peal.User{first, second} {
		if err := store.UpdateUser(ctx, user); err != nil {
			t.Fatal(err)
		}
	}
	first.Name, first.Revision = users[1].Name, first.Revision+1
	if err := store.UpdateUser(ctx, first); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Purge(ctx, peal.PurgeParams{Attempts: moment()}); err != nil {
		t.Fatal(err)
	}
	if err := store.CreateTenant(ctx, peal.Tenant{Name: "beta"}); err != nil {
		t.Fatal(err)
	}
}

// Before a server has started on the target, a move can be taken back and started again.
func TestTakeBack(t *testing.T) {
	m := newMove(t)
	store := m.openSource()
	fill(t, store, 1)
	m.close(store)
	for _, lose := range []bool{true, false} {
		m.run()
		if err := transfer.TakeBack(t.Context(), m.options, lose); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := postgres.Open(t.Context(), postgres.Options{URL: m.options.To}); peal.CodeOf(err) != peal.Conflict {
		t.Errorf("the other end opens: %v", err)
	}
	store = m.openSource()
	fill2(t, store)
	before := dump(t, store, "acme", "default", "beta")
	m.close(store)
	if report := m.run(); !report.Moved {
		t.Error("it is not moved again")
	}
	m.same(before, "acme", "default", "beta")
}

// What differs from what was written is found out, also when the number of rows is right.
func TestRefusals(t *testing.T) {
	m := newMove(t)
	store := m.openSource()
	fill(t, store, 1)
	m.close(store)
	refused := func(what string, change func(*transfer.Options), want peal.ErrorCode, text string) {
		t.Helper()
		o := m.options
		change(&o)
		_, err := transfer.Run(t.Context(), o)
		if peal.CodeOf(err) != want || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %s with %q", what, err, want, text)
		}
	}
	refused("no such file", func(o *transfer.Options) { o.From += "x" }, peal.Invalid, "is not there")
	refused("no file", func(o *transfer.Options) { o.From = m.path }, peal.Invalid, "from")
	refused("no database", func(o *transfer.Options) { o.To = "sqlite:x" }, peal.Invalid, "to")
	refused("no rows", func(o *transfer.Options) { o.PageRows = 0 }, peal.Invalid, "page_rows")
	refused("no key", func(o *transfer.Options) { o.EncryptionKey = "" }, peal.Invalid, "encryption_key: is missing")
	other := secret.NewKey()
	refused("another key", func(o *transfer.Options) { o.EncryptionKey = base64.StdEncoding.EncodeToString(other[:]) }, peal.Invalid, "does not open")
	used := shared.Database(t)
	inUse, err := postgres.Open(t.Context(), postgres.Options{URL: used})
	if err != nil {
		t.Fatal(err)
	}
	if err := inUse.CreateTenant(t.Context(), peal.Tenant{Name: "somebody"}); err != nil {
		t.Fatal(err)
	}
	m.close(inUse)
	refused("a database in use", func(o *transfer.Options) { o.To = used }, peal.Conflict, "is not empty")
	m.close(m.openSource()) // nothing of it has marked the file
	var progress bytes.Buffer
	m.options.Progress, m.options.Terminal = &progress, true
	if report := m.run(); !report.Moved || !strings.Contains(progress.String(), "deliveries") {
		t.Errorf("moved %t: %s", report.Moved, &progress)
	}
}

// The conformance suite leaves databases with everything that a store can hold. PEAL_TEST_COPY_ALL
// moves each of them.
func TestMovesWhatTheSuiteLeaves(t *testing.T) {
	if os.Getenv("PEAL_TEST_COPY_ALL") == "" {
		t.Skip("PEAL_TEST_COPY_ALL is not set")
	}
	sealer, err := secret.NewSealer(key)
	if err != nil {
		t.Fatal(err)
	}
	dir, paths := t.TempDir(), map[string]string{} // by their places, which are gone after each test
	t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T, place string) storetest.Store {
			if paths[place] == "" {
				paths[place] = filepath.Join(dir, strconv.Itoa(len(paths)), "peal.db")
			}
			store, err := sqlite.Open(context.Background(), sqlite.Options{Path: paths[place], Sealer: sealer})
			if err != nil {
				t.Fatal(err)
			}
			return store
		})
	})
	for _, path := range paths {
		m := newMove(t)
		m.options.From, m.options.PageRows = "sqlite:"+path, 100
		all, _ := m.run().Rows()
		t.Logf("%s: %d rows", path, all)
	}
}
