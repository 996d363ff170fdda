package identity

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/pealhq/peal"
)

// OIDC is an OpenID Connect provider that users may sign in at; the zero OIDC is none.
type OIDC struct {
	// Issuer is the provider's address, under which its discovery document lies
	// (OpenID Connect Discovery 1.0, section 4), such as https://login.example.com.
	Issuer string
	// ClientID and ClientSecret are what the provider knows this server by; without a
	// secret PKCE alone protects the codes.
	ClientID, ClientSecret string
	// Name is what the button on the sign-in page calls the provider; "" for OpenID.
	Name string
	// AllowedDomains are those whose e-mail addresses may enter, verified by the
	// provider; none for all.
	AllowedDomains []string
	// DefaultRole is the role of users that are made when somebody unknown signs in; ""
	// makes none.
	DefaultRole peal.Role
	// DefaultTenant is the only tenant that those users see; "" for every tenant.
	DefaultTenant string
	// RoleClaim names the claim of the ID token whose values decide the role of whoever
	// signs in there, each time anew: a text or a list of texts, such as groups; dots lead
	// into objects, as in realm_access.roles. "" leaves roles to whoever manages users.
	RoleClaim string
	// Roles are what the values of that claim stand for; the highest counts. Somebody
	// with none of them gets DefaultRole, or may not enter where that is "".
	Roles map[string]peal.Role
}

// MaxOIDCName is the most bytes of a provider's name.
const MaxOIDCName = 60

// MaxOIDCRoles is the most values of a claim that can stand for roles.
const MaxOIDCRoles = 100

// validate checks the settings. The error names the field as the configuration does.
func (o OIDC) validate() error {
	if o.Issuer == "" {
		if o.ClientID != "" || o.ClientSecret != "" || o.DefaultRole != "" || o.DefaultTenant != "" || len(o.AllowedDomains) > 0 || o.RoleClaim != "" || len(o.Roles) > 0 {
			return peal.Invalidf("oidc.issuer", "is missing: the other settings of oidc need it")
		}
		return nil
	}
	if u, err := url.Parse(o.Issuer); err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil ||
		u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return peal.Invalidf("oidc.issuer", "must be an https URL, such as https://login.example.com; http only for a loopback address")
	}
	switch {
	case o.ClientID == "":
		return peal.Invalidf("oidc.client_id", "is missing: the provider gives it to a registered application")
	case len(o.Name) > MaxOIDCName:
		return peal.Invalidf("oidc.name", "must have at most %d bytes", MaxOIDCName)
	case len(o.RoleClaim) > MaxOIDCName:
		return peal.Invalidf("oidc.role_claim", "must have at most %d bytes", MaxOIDCName)
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

// allows reports whether an e-mail address may enter.
func (o OIDC) allows(email string) bool {
	domain := email[strings.LastIndexByte(email, '@')+1:]
	for _, allowed := range o.AllowedDomains {
		if strings.EqualFold(domain, allowed) {
			return true
		}
	}
	return len(o.AllowedDomains) == 0
}
