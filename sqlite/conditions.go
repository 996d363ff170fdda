package sqlite

// conditions are the WHERE of a list. Its texts come from the few combinations of
// filters, so that statements stay few.
type conditions struct {
	text   string
	values []any
}

func (c *conditions) add(condition string, values ...any) {
	if c.text == "" {
		c.text = " WHERE "
	} else {
		c.text += " AND "
	}
	c.text += condition
	c.values = append(c.values, values...)
}

// ofTenant wants a tenant's number in a column, unless the name is "".
func (c *conditions) ofTenant(column, tenant string) {
	if tenant != "" {
		c.add(column+` = (SELECT num FROM tenants WHERE name = ?)`, tenant)
	}
}

// before wants a smaller id, unless there is no bound.
func (c *conditions) before(column string, none bool, id []byte) {
	if !none {
		c.add(column+` < ?`, id)
	}
}
