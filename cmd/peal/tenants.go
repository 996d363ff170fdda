package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pealhq/peal/client"
)

const tenantHeads = "NAME, FORMAT, CREATED, DESCRIPTION"

func tenantRow(c *call, t client.Tenant) []string {
	return []string{t.Name, t.Format, c.ago(t.CreatedAt), t.Description}
}

func printTenant(_ *call, w io.Writer, t client.Tenant) {
	fields(w, []field{
		{"name", t.Name}, {"description", t.Description}, {"format", t.Format}, {"catalogue", t.Catalogue},
		{"retries", textOf(t.RetryPolicy, policyText)}, {"created", exact(t.CreatedAt)}, {"status", t.Status},
	})
}

func deleteTenant(c *call) error {
	if c.on("dry-run") {
		return one("count what tenant %s has", (*client.Client).CountTenant, func(_ *call, w io.Writer, data client.TenantData) {
			fields(w, tenantCounts(data))
		})(c)
	}
	end := func(api *client.Client, ctx context.Context, name string) error {
		_, err := api.DeleteTenant(ctx, name)
		return err
	}
	return remove("delete", "being deleted", "tenant", askTenant, end)(c)
}

func tenantCounts(data client.TenantData) []field {
	var counts []field
	for _, kind := range slices.Sorted(maps.Keys(data.Counts)) {
		counts = append(counts, field{strings.ReplaceAll(kind, "_", " "), strconv.Itoa(data.Counts[kind])})
	}
	return counts
}

func askTenant(c *call, api *client.Client) (string, error) {
	data, err := api.CountTenant(c.ctx, c.args[0])
	var parts []string
	for _, f := range tenantCounts(data) {
		if f.value != "0" {
			parts = append(parts, f.value+" "+f.name)
		}
	}
	return fmt.Sprintf("Delete tenant %s with all its data (%s)? This cannot be undone.", c.args[0], strings.Join(parts, ", ")), err
}

func tenantQuotas(c *call) error {
	set := map[string]int{}
	for _, text := range flag[[]string](c, "set") {
		quota, number, _ := strings.Cut(text, "=")
		n, err := strconv.Atoi(number)
		if err != nil {
			return usagef(c.cmd, "--set %s: must be a quota, = and a whole number", text)
		}
		set[quota] = n
	}
	if c.given("set") || c.given("unset") {
		if _, err := ask(c, "change the quotas of tenant %s", func(api *client.Client, ctx context.Context) (client.Tenant, error) {
			tenant, err := api.Tenant(ctx, c.args[0])
			if err != nil {
				return tenant, err
			}
			quotas := map[string]int{}
			maps.Copy(quotas, tenant.Quotas)
			maps.Copy(quotas, set)
			for _, quota := range flag[[]string](c, "unset") {
				delete(quotas, quota)
			}
			return api.UpdateTenant(ctx, c.args[0], client.TenantRequest{Quotas: quotas})
		}); err != nil {
			return err
		}
	}
	return one("show the quotas of tenant %s", (*client.Client).TenantQuotas, printQuotas)(c)
}

func printQuotas(_ *call, w io.Writer, quotas client.Quotas) {
	var rows [][]string
	for _, q := range quotas.Data {
		from := "server"
		if q.Own {
			from = "own"
		}
		rows = append(rows, []string{q.Name, textOf(q.Used, strconv.Itoa), cmp.Or(textOf(q.Limit, strconv.Itoa), "no limit"), from})
	}
	table(w, "QUOTA, USED, LIMIT, SET BY", rows)
}
