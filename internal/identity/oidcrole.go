package identity

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/pealhq/peal"
)

// rolesByRank are the roles, the highest first.
var rolesByRank = []peal.Role{peal.RoleOwner, peal.RoleEditor, peal.RoleViewer}

// role gives the role that the claims of somebody stand for: the highest, or the
// default; "" when the person may not enter. Without a claim to look at, it is the
// default role, which is for new users.
func (o *OIDC) role(claims map[string]json.RawMessage) peal.Role {
	if o.RoleClaim == "" {
		return o.DefaultRole
	}
	values := claimTexts(claims, o.RoleClaim)
	for _, role := range rolesByRank {
		if slices.ContainsFunc(values, func(value string) bool { return o.Roles[value] == role }) {
			return role
		}
	}
	return o.DefaultRole
}

// claimTexts gives the texts of a claim, none when it has another form. A name with
// dots is looked for as it is first: some providers name claims like URLs.
func claimTexts(claims map[string]json.RawMessage, name string) []string {
	value, found := claims[name]
	for rest := name; !found; {
		first, more, isPath := strings.Cut(rest, ".")
		inner, there := claims[first]
		if !isPath || !there {
			if value, found = claims[rest]; !found {
				return nil
			}
			break
		}
		claims = nil
		if json.Unmarshal(inner, &claims) != nil {
			return nil
		}
		rest = more
	}
	var one string
	if json.Unmarshal(value, &one) == nil {
		return []string{one}
	}
	var many []string
	if json.Unmarshal(value, &many) != nil {
		return nil
	}
	return many
}
