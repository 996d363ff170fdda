package storetest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"

	"github.com/pealhq/peal"
)

// OpenSealed opens a store as [Open] does, which seals with a Sealer; nil for in the clear.
type OpenSealed func(t *testing.T, place string, sealer peal.Sealer) Store

// RunSealed tests how the stores that open opens keep secrets.
func RunSealed(t *testing.T, open OpenSealed) {
	for name, test := range sealTests {
		t.Run(name, func(t *testing.T) {
			sealer := &testSealer{keys: []byte{1}}
			h := newHarness(t, func(t *testing.T, place string) Store { return open(t, place, sealer) }).with(t)
			test(h, sealer, func(sealer peal.Sealer) Store {
				h.must(h.store.Close())
				return open(t, h.place, sealer)
			})
		})
	}
}

// testSealer lets a test see which key a value is sealed with. It hides nothing.
type testSealer struct {
	mu   sync.Mutex
	keys []byte // the first one seals
}

func (s *testSealer) use(keys ...byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

func (s *testSealer) Mark() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []byte{'k', s.keys[0]}
}

func (s *testSealer) Seal(plain, bound []byte) ([]byte, error) {
	sum := sha256.Sum256(bound)
	return bytes.Join([][]byte{s.Mark(), sum[:], plain}, nil), nil
}

func (s *testSealer) Open(sealed, bound []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sum := sha256.Sum256(bound)
	switch {
	case len(sealed) < 2+len(sum), sealed[0] != 'k':
		return nil, errors.New("it is not sealed")
	case !bytes.Equal(sealed[2:2+len(sum)], sum[:]):
		return nil, errors.New("it belongs to something else")
	case bytes.IndexByte(s.keys, sealed[1]) < 0:
		return nil, errors.New("it was sealed with another key")
	}
	return sealed[2+len(sum):], nil
}

// sealTests get a store and a function that closes and reopens it with another Sealer.
var sealTests = map[string]func(h *harness, sealer *testSealer, reopen func(peal.Sealer) Store){
	"a new key takes over": func(h *harness, sealer *testSealer, reopen func(peal.Sealer) Store) {
		webhooks := []peal.Webhook{h.sealedWebhook(), h.sealedWebhook(), h.sealedWebhook()}
		source := h.source("tasks")
		h.must(h.store.DeleteWebhook(h.ctx, h.tenant, h.sealedWebhook().ID))
		version := h.version()
		h.resealed(0, 2)

		sealer.use(2, 1)
		h.resealed(4, 3)
		h.equal(h.version(), version, "version of the routes")
		h.store = reopen(&testSealer{keys: []byte{2}})
		defer func() { h.must(h.store.Close()) }()
		for _, want := range webhooks {
			got, err := h.store.Webhook(h.ctx, h.tenant, want.ID)
			h.must(err)
			h.equal(got, want, "webhook")
		}
		got, err := h.store.Source(h.ctx, h.tenant, source.ID)
		h.must(err)
		h.equal(got, source, "source")
		routes, _, err := h.store.RoutesSince(h.ctx, 0)
		h.must(err)
		h.equal(len(routes), len(webhooks), "routes")
	},
	"it continues where it stopped": func(h *harness, sealer *testSealer, reopen func(peal.Sealer) Store) {
		want := []peal.Webhook{h.sealedWebhook(), h.sealedWebhook(), h.sealedWebhook()}
		sealer.use(2, 1)
		n, err := h.store.Reseal(h.ctx, 1)
		h.must(err)
		h.equal(n, 1, "resealed")
		h.store = reopen(sealer)
		defer func() { h.must(h.store.Close()) }()
		h.resealed(2, 1)
		sealer.use(2)
		for _, w := range want {
			got, err := h.store.Webhook(h.ctx, h.tenant, w.ID)
			h.must(err)
			h.equal(got, w, "webhook")
		}
	},
	"secrets in the clear are sealed": func(h *harness, sealer *testSealer, reopen func(peal.Sealer) Store) {
		h.store = reopen(nil)
		want, err := h.store.CreateWebhook(h.ctx, h.newWebhook())
		h.must(err)
		h.resealed(0, 10)
		h.store = reopen(sealer)
		h.resealed(1, 10)
		h.store = reopen(sealer)
		defer func() { h.must(h.store.Close()) }()
		got, err := h.store.Webhook(h.ctx, h.tenant, want.ID)
		h.must(err)
		h.equal(got, want, "webhook")
	},
	"what does not open is refused": func(h *harness, sealer *testSealer, _ func(peal.Sealer) Store) {
		h.sealedWebhook()
		sealer.use(2)
		_, err := h.store.Reseal(h.ctx, 10)
		h.refused(err, peal.Internal)
	},
	"nothing that is written meanwhile is left out": func(h *harness, sealer *testSealer, _ func(peal.Sealer) Store) {
		var writers sync.WaitGroup
		ids := make(chan peal.WebhookID, 200)
		for range 4 {
			writers.Go(func() {
				for range 50 {
					w, err := h.store.CreateWebhook(h.ctx, h.newWebhook())
					if err == nil {
						w.Description = "changed"
						_, err = h.store.UpdateWebhook(h.ctx, w)
					}
					if err != nil {
						h.t.Error(err)
						return
					}
					ids <- w.ID
				}
			})
		}
		<-ids // the writers are at work
		sealer.use(2, 1)
		for more := 1; more > 0; {
			var err error
			more, err = h.store.Reseal(h.ctx, 20)
			h.must(err)
		}
		sealer.use(2)
		writers.Wait()
		close(ids)
		for id := range ids {
			_, err := h.store.Webhook(h.ctx, h.tenant, id)
			h.must(err)
		}
	},
}

// sealedWebhook creates a webhook with secrets.
func (h *harness) sealedWebhook() peal.Webhook {
	h.t.Helper()
	w, err := h.store.CreateWebhook(h.ctx, h.newWebhook())
	h.must(err)
	return w
}

// resealed reseals in steps and checks the total.
func (h *harness) resealed(want, limit int) {
	h.t.Helper()
	total := 0
	for {
		n, err := h.store.Reseal(h.ctx, limit)
		h.must(err)
		if n > limit {
			h.t.Errorf("%d were resealed, want at most %d", n, limit)
		}
		if n == 0 {
			break
		}
		total += n
	}
	h.equal(total, want, "resealed")
}
