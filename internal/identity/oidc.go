package identity

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pealhq/peal"
)

// OIDC configures an OpenID Connect provider for sign-ins; the zero value is none.
type OIDC struct {
	// Issuer is the provider's issuer URL, the base of its discovery document (OpenID Connect
	// Discovery 1.0, section 4), such as https://login.example.com.
	Issuer string
	// ClientID and ClientSecret identify this server to the provider; without a secret only PKCE
	// protects the codes.
	ClientID, ClientSecret string
	// Name is the provider's name on the sign-in button; "" for OpenID.
	Name string
	// AllowedDomains are the domains of verified e-mail addresses that may sign in; empty for all.
	AllowedDomains []string
	// DefaultRole is the role of users created at their first sign-in; "" to create none.
	DefaultRole peal.Role
	// DefaultTenant is the tenant of these users; "" for every tenant.
	DefaultTenant string
	// RoleClaim is the claim of the ID token that determines the role at each sign-in: a string or
	// a list of strings, such as groups; dots select members of objects, as in realm_access.roles.
	// With "" roles are only set by managing users.
	RoleClaim string
	// Roles maps values of that claim to roles; the highest applies. A person without any gets
	// DefaultRole, or is refused if that is "".
	Roles map[string]peal.Role
}

// MaxOIDCName is the maximum length of a provider's name, in characters.
const MaxOIDCName = 60

// MaxOIDCRoles is the maximum number of values in Roles.
const MaxOIDCRoles = 100

// validate checks the settings. The field of an error is that of the configuration.
func (o OIDC) validate() error {
	if o.Issuer == "" {
		if o.ClientID != "" || o.ClientSecret != "" || o.DefaultRole != "" || o.DefaultTenant != "" ||
			len(o.AllowedDomains) > 0 || o.RoleClaim != "" || len(o.Roles) > 0 {
			return peal.Invalidf("oidc.issuer", "is missing: the other settings of oidc need it")
		}
		return nil
	}
	if u, err := url.Parse(o.Issuer); err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" ||
		u.User != nil ||
		u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return peal.Invalidf("oidc.issuer", "must be an https URL, such as https://login.example.com; http only for a loopback address")
	}
	switch {
	case o.ClientID == "":
		return peal.Invalidf("oidc.client_id", "is missing: the provider gives it to a registered application")
	case utf8.RuneCountInString(o.Name) > MaxOIDCName:
		return peal.Invalidf("oidc.name", "must have at most %d characters", MaxOIDCName)
	case utf8.RuneCountInString(o.RoleClaim) > MaxOIDCName:
		return peal.Invalidf("oidc.role_claim", "must have at most %d characters", MaxOIDCName)
	case (o.RoleClaim == "") != (len(o.Roles) == 0):
		return peal.Invalidf("oidc.roles", "and oidc.role_claim need each other")
	case len(o.Roles) > MaxOIDCRoles:
		return peal.Invalidf("oidc.roles", "must have at most %d values", MaxOIDCRoles)
	case o.DefaultTenant != "" && o.DefaultRole == "" && o.RoleClaim == "":
		return peal.Invalidf("oidc.default_role", "is missing: oidc.default_tenant needs it")
	}
	for _, domain := range o.AllowedDomains {
		if domain == "" || domain != strings.ToLower(domain) || strings.ContainsAny(domain, "@* ") {
			return peal.Invalidf("oidc.allowed_domains", "must be domains in lower case, such as example.com")
		}
	}
	for value, role := range o.Roles {
		if value == "" || role.Validate() != nil {
			return peal.Invalidf("oidc.roles", "must give each value of the claim one of owner, editor and viewer")
		}
	}
	if o.DefaultRole != "" && o.DefaultRole.Validate() != nil {
		return peal.Invalidf("oidc.default_role", "must be owner, editor, viewer or empty")
	}
	if o.DefaultTenant != "" && peal.ValidateTenant(o.DefaultTenant) != nil {
		return peal.Invalidf("oidc.default_tenant", "must be the name of a tenant, or empty for every tenant")
	}
	return nil
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// allows reports whether an e-mail address may sign in.
func (o OIDC) allows(email string) bool {
	domain := email[strings.LastIndexByte(email, '@')+1:]
	for _, allowed := range o.AllowedDomains {
		if strings.EqualFold(domain, allowed) {
			return true
		}
	}
	return len(o.AllowedDomains) == 0
}

// rolesByRank lists the roles, the highest first.
var rolesByRank = []peal.Role{peal.RoleOwner, peal.RoleEditor, peal.RoleViewer}

// role returns the highest role in a person's claims, or the default role; "" means that the person
// may not sign in. Without RoleClaim it returns the default role, which applies to new users.
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

// claimTexts returns the strings in a claim, or nil for other types. It first looks up a name with
// dots literally, because some providers use URLs as names.
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
