package api

import (
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

var ifMatchParam = param{"If-Match", "Change it only if this is still its ETag.", huma.Schema{Type: "string"}}

// etag names a revision of a thing's settings (RFC 9110, section 8.8.3).
func etag(revision int64) string { return `"` + strconv.FormatInt(revision, 10) + `"` }

// revised answers with a value and the ETag of its revision.
func (c *call) revised(status int, revision int64, value any) error {
	c.Header().Set("ETag", etag(revision))
	return c.json(status, value)
}

// ifRevision refuses a thing whose revision is not one of the caller's If-Match.
func (c *call) ifRevision(thing string, revision int64) error {
	condition := strings.Join(c.request.Header.Values("If-Match"), ",")
	if condition != "" && !matches(condition, etag(revision)) {
		return refuse(preconditionFailed, "the %s has changed: its ETag is %s now", thing, etag(revision))
	}
	return nil
}

// matches reports whether an If-Match holds for an ETag (RFC 9110, section 13.1.1).
func matches(condition, tag string) bool {
	for one := range strings.SplitSeq(condition, ",") {
		if one = strings.TrimSpace(one); one == "*" || one == tag {
			return true
		}
	}
	return false
}
