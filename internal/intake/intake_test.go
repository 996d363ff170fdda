package intake_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/dispatch"
	"github.com/pealhq/peal/internal/intake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// store is one source, with how often it was read and what was counted.
type store struct {
	intake.Store
	source peal.Source
	reads  int

	mu     sync.Mutex
	counts map[peal.SourceID]peal.SourceCounts
	fail   error // the error of counting
}

// counted returns the counts of the source.
func (s *store) counted() peal.SourceCounts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[s.source.ID]
}

// failWith lets counting fail, or not with nil.
func (s *store) failWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *store) Source(_ context.Context, tenant string, id peal.SourceID) (peal.Source, error) {
	s.reads++
	if id != s.source.ID || tenant != "" && tenant != s.source.Tenant {
		return peal.Source{}, peal.Errorf(peal.NotFound, "there is no such source")
	}
	return s.source, nil
}

func (s *store) SourceByName(_ context.Context, tenant, name string) (peal.Source, error) {
	s.reads++
	if tenant != s.source.Tenant || name != s.source.Name {
		return peal.Source{}, peal.Errorf(peal.NotFound, "there is no such source")
	}
	return s.source, nil
}

func (s *store) AddSourceCounts(_ context.Context, counts map[peal.SourceID]peal.SourceCounts) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return s.fail
	}
	for id, more := range counts {
		sum := s.counts[id]
		sum.Add(more)
		s.counts[id] = sum
	}
	return nil
}

// publisher keeps the published events, or fails with a given error.
type publisher struct {
	events []peal.Event
	fail   error
}

func (p *publisher) Publish(_ context.Context, tenant string, events ...peal.Event) ([]dispatch.Published, error) {
	if p.fail != nil {
		return nil, p.fail
	}
	events[0].Tenant = tenant
	p.events = append(p.events, events[0])
	return []dispatch.Published{{Event: &events[0]}}, nil
}

func setUp(format string) (*intake.Intake, *store, *publisher) {
	s := &store{
		source: peal.Source{ID: peal.NewSourceID(), Tenant: "acme", Name: "in", Format: format, Unverified: true, Dedup: peal.DedupID, Status: peal.Active},
		counts: map[peal.SourceID]peal.SourceCounts{},
	}
	p := &publisher{}
	return intake.New(s, p, nil), s, p
}

// TestSourcesAreRemembered: the store is asked once in a second, and after a change.
func TestSourcesAreRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, s, _ := setUp("vikunja")
		s.source.Unverified, s.source.Secrets = false, []peal.Secret{{Value: "s"}}
		find := func() peal.Source {
			t.Helper()
			source, err := in.Source(t.Context(), "acme", "in")
			if err != nil {
				t.Fatal(err)
			}
			return source
		}
		for range 3 {
			find()
		}
		s.source.Description = "changed"
		if got := find().Description; got != "" || s.reads != 1 {
			t.Errorf("after %d reads it is %q", s.reads, got)
		}
		in.Forget()
		if got := find().Description; got != "changed" || s.reads != 2 {
			t.Errorf("after %d reads it is %q", s.reads, got)
		}
		time.Sleep(time.Second - time.Nanosecond)
		find()
		if s.reads != 2 {
			t.Errorf("%d reads within a second", s.reads)
		}
		time.Sleep(time.Nanosecond)
		find()
		if s.reads != 3 {
			t.Errorf("%d reads after a second", s.reads)
		}
	})
}

// TestCountsAreGathered: they are written every few seconds, again when that fails,
// and at the end.
func TestCountsAreGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, s, _ := setUp("vikunja")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			in.Run(ctx)
		}()
		s.failWith(errors.New("the disk is full"))
		in.Refuse(&s.source, errors.New("first"))
		time.Sleep(3*time.Second + time.Nanosecond)
		synctest.Wait()
		s.failWith(nil)
		last := time.Now().UTC().Truncate(time.Microsecond)
		in.Refuse(&s.source, errors.New(strings.Repeat("x", 1000)))
		if got := s.counted(); got != (peal.SourceCounts{}) {
			t.Errorf("counted %v at once", got)
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		want := peal.SourceCounts{Refused: 2, RefusedAt: last, Refusal: strings.Repeat("x", 300)}
		if diff := cmp.Diff(want, s.counted()); diff != "" {
			t.Error(diff)
		}
		in.Refuse(&s.source, errors.New("la\x00s\xfft"))
		stop()
		<-ended
		if got := s.counted(); got.Refused != 3 || got.Refusal != "last" {
			t.Errorf("at the end %v", got)
		}
	})
}

func TestEventIDs(t *testing.T) {
	long := strings.Repeat("x", 253)
	for _, test := range []struct {
		id    string
		dedup peal.SourceDedup
		want  string // a prefix if it ends with *
	}{
		{"msg_1", peal.DedupID, "in:msg_1"},
		{long, peal.DedupID, "in:" + long},
		{long + "x", peal.DedupID, "in:sha256-*"},
		{"", peal.DedupID, ""},
		{"msg_1", peal.DedupBody, "in:sha256-*"},
	} {
		in, s, p := setUp("github")
		s.source.Dedup = test.dedup
		header := http.Header{"X-Github-Event": {"push"}}
		if test.id != "" {
			header.Set("X-GitHub-Delivery", test.id)
		}
		if _, err := in.Receive(t.Context(), &s.source, header, []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		got := p.events[0].ID
		if begin, open := strings.CutSuffix(test.want, "*"); open && (!strings.HasPrefix(got, begin) || len(got) != len(begin)+64) || !open && got != test.want {
			t.Errorf("%.20s by %s is named %q, want %q", test.id, test.dedup, got, test.want)
		}
	}
}

// TestBodiesAreToldApart: by the body, and by what a format keeps in headers.
func TestBodiesAreToldApart(t *testing.T) {
	in, s, p := setUp("github")
	s.source.Dedup = peal.DedupBody
	for _, one := range [][2]string{{"push", `{}`}, {"push", `{ }`}, {"pull", `{}`}, {"push", `{}`}} {
		if _, err := in.Receive(t.Context(), &s.source, http.Header{"X-Github-Event": {one[0]}}, []byte(one[1])); err != nil {
			t.Fatal(err)
		}
	}
	ids := map[string]bool{}
	for _, event := range p.events {
		ids[event.ID] = true
	}
	if len(ids) != 3 || p.events[0].ID != p.events[3].ID {
		t.Errorf("four requests have the ids %v", ids)
	}
}

// TestTheirFaultOrOurs: what the sender can mend counts as refused, our own trouble does not.
func TestTheirFaultOrOurs(t *testing.T) {
	for code, want := range map[peal.ErrorCode]int64{
		peal.Invalid: 1, peal.TooLarge: 1, peal.Conflict: 1, peal.Forbidden: 1, peal.Unavailable: 0, peal.Internal: 0, peal.RateLimited: 0,
	} {
		in, s, p := setUp("dejacode")
		p.fail = peal.Errorf(code, "no")
		if _, err := in.Receive(t.Context(), &s.source, nil, []byte(`{"text":"x"}`)); peal.CodeOf(err) != code {
			t.Errorf("%s became %v", code, err)
		}
		if err := in.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.counted().Refused; got != want {
			t.Errorf("%s: %d refused, want %d", code, got, want)
		}
	}
}

// TestUnknownFormat: a format that a later version wrote is our trouble.
func TestUnknownFormat(t *testing.T) {
	for _, format := range []string{"of-tomorrow", "slack"} {
		in, s, _ := setUp(format)
		if _, err := in.Receive(t.Context(), &s.source, nil, []byte(`{}`)); peal.CodeOf(err) != peal.Internal {
			t.Errorf("%s: %v", format, err)
		}
	}
}
