package egress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/pealhq/peal"
)

// verdict judges an answer by its head alone. With a 2xx status that is success,
// even when the body breaks off: the endpoint has said that it took the event, and
// sending it again would only double it. With any other status the endpoint has
// refused the event, which says more than how its words about that ended.
func verdict(ctx context.Context, response *http.Response, readErr error) (peal.Reason, string) {
	status := response.StatusCode
	if status >= 200 && status <= 299 {
		return "", ""
	}
	if readErr != nil && errors.Is(ctx.Err(), context.Canceled) {
		return peal.ReasonCanceled, "stopped while the answer was read"
	}
	reason, text := peal.ReasonStatus, strings.TrimSpace(fmt.Sprintf("answered %d %s", status, http.StatusText(status)))
	if status >= 300 && status <= 399 {
		reason = peal.ReasonRedirect
		text += "; redirects are not followed"
		if location := response.Header.Get("Location"); location != "" {
			text += ", it points to " + plain(location)
		}
	}
	switch {
	case readErr != nil && ctx.Err() != nil:
		text += "; its body did not end in time"
	case readErr != nil:
		text += "; its body broke off"
	}
	return reason, text
}
