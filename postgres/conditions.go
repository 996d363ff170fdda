package postgres

import "strconv"

// conditions are the WHERE of a list.
type conditions struct {
	text string
	args []any
}

// add wants a condition on a value, which stands between the two texts.
func (c *conditions) add(before string, value any, after string) {
	if c.text == "" {
		c.text = " WHERE "
	} else {
		c.text += " AND "
	}
	c.args = append(c.args, value)
	c.text += before + "$" + strconv.Itoa(len(c.args)) + after
}

// ofTenant wants a tenant's number in a column, unless the name is "".
func (c *conditions) ofTenant(column, tenant string) {
	if tenant != "" {
		c.add(column+` = (SELECT num FROM peal.tenants WHERE name = `, clean(tenant), `)`)
	}
}

// page gives the rest of a list of the newest before an id, unless that is zero.
func page[I ~[16]byte](c *conditions, column string, before I, limit int) (text string, args []any) {
	if [16]byte(before) != least {
		c.add(column+` < `, uuid(before), ``)
	}
	c.args = append(c.args, limit)
	return c.text + ` ORDER BY ` + column + ` DESC LIMIT $` + strconv.Itoa(len(c.args)), c.args
}
