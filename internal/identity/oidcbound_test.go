package identity_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/identity"
	"github.com/pealhq/peal/internal/testkit"
)

// Sixteen sign-ins wait for a provider that does not answer: the next one is refused with
// Retry-After, and has its turn when they are done.
func TestOIDCManyAtOnce(t *testing.T) {
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-answer
		http.Error(w, "down", http.StatusServiceUnavailable)
	}))
	defer provider.Close()
	h := newHouse(t, func(o *identity.Options) { o.OIDC = identity.OIDC{Issuer: provider.URL, ClientID: "peal"} })
	begin := func() error {
		_, err := h.BeginOIDC(httptest.NewRecorder(), from("192.0.2.1"), "/")
		return err
	}
	codes := make(chan peal.ErrorCode, 100)
	var waiting sync.WaitGroup
	for range identity.ProviderCalls {
		waiting.Go(func() { codes <- peal.CodeOf(begin()) })
	}
	<-asked
	var err error // of the seventeenth, once all others wait
	testkit.Eventually(t, func() error {
		if waiting := h.OIDCWaiting(); waiting != identity.ProviderCalls {
			return fmt.Errorf("%d wait", waiting)
		}
		err = begin()
		return nil
	})
	if peal.CodeOf(err) != peal.RateLimited {
		t.Errorf("one too many: %v", err)
	}
	close(answer)
	waiting.Wait()
	close(codes)
	n := 0
	for code := range codes {
		if n++; code != peal.Unavailable {
			t.Errorf("one of those who waited: %s", code)
		}
	}
	if err := begin(); n != 16 || peal.CodeOf(err) != peal.Unavailable {
		t.Errorf("after %d who waited: %v", n, err)
	}
}
