package record

import "github.com/pealhq/peal"

// quotaCounts are the rows that count for each row quota of a tenant: the table and its
// condition beside the tenant. LIVE and NOW stand for what a store has for a time that is
// not set, and for the moment.
var quotaCounts = map[peal.Quota][2]string{
	peal.QuotaWebhooks:    {"webhooks", "NOT deleted"},
	peal.QuotaSources:     {"sources", ""},
	peal.QuotaKeys:        {"keys", "revoked LIVE"},
	peal.QuotaPortalLinks: {"portal_links", "used LIVE AND revoked LIVE AND expires > NOW"},
	peal.QuotaUsers:       {"users", ""},
	peal.QuotaSessions:    {"sessions", "revoked LIVE AND expires > NOW"},
}

// QuotaCount returns the table and the condition of the rows that count for a row quota.
func QuotaCount(quota peal.Quota) (table, condition string) {
	count := quotaCounts[quota]
	if count[1] != "" {
		count[1] = " AND " + count[1]
	}
	return count[0], count[1]
}
