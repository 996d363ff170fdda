package egress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pealhq/peal"
	"github.com/pealhq/peal/internal/gate"
)

// verdict judges an answer by its head alone. With a 2xx status that is success,
// even when the body breaks off: the endpoint has said that it took the event, and
// sending it again would only double it. With any other status the endpoint has
// refused the event, which says more than how its words about that ended.
func verdict(ctx context.Context, response *http.Response, readErr error, g *gate.Gate) (peal.Reason, gate.Text) {
	status := response.StatusCode
	if status >= 200 && status <= 299 {
		return "", gate.Text{}
	}
	if readErr != nil && errors.Is(ctx.Err(), context.Canceled) {
		return peal.ReasonCanceled, gate.Fixed("stopped while the answer was read")
	}
	reason, text := peal.ReasonStatus, g.Text(strings.TrimSpace(fmt.Sprintf("answered %d %s", status, http.StatusText(status))))
	if status >= 300 && status <= 399 {
		reason, text = peal.ReasonRedirect, gate.Join(text, gate.Fixed("; redirects are not followed"))
		if location := response.Header.Get("Location"); location != "" {
			text = gate.Join(text, gate.Fixed(", it points to "), g.Text(location))
		}
	}
	switch {
	case readErr != nil && ctx.Err() != nil:
		text = gate.Join(text, gate.Fixed("; its body did not end in time"))
	case readErr != nil:
		text = gate.Join(text, gate.Fixed("; its body broke off"))
	}
	return reason, text
}
