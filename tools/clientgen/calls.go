package main

import (
	"fmt"
	"regexp"
	"strings"
)

// successes are the statuses of answers with a body, the preferred one first.
var successes = []string{"200", "201", "202"}

var placeholder = regexp.MustCompile(`\{(\w+)\}`)

// call writes the method of an operation, with the struct of its query.
func (g *generator) call(op *operation) error {
	name := methodName(op.ID)
	args, values := "ctx context.Context", "nil"
	path := `"` + placeholder.ReplaceAllStringFunc(op.path, func(part string) string {
		part = strings.Trim(part, "{}")
		args += ", " + part + " string"
		return `"+url.PathEscape(` + part + `)+"`
	}) + `"`
	path = strings.TrimSuffix(path, `+""`)
	query, err := g.query(name, op)
	if err != nil {
		return err
	}
	if query != "" {
		args += ", query " + query
		values = "query.values()"
	}
	body := ""
	if op.RequestBody != nil {
		if s := op.RequestBody.Content["application/json"].Schema; s != nil && s.Ref != "" && !strings.HasSuffix(s.Ref, "/Nothing") {
			body = g.reference(g.smallest(s.Ref))
			args += ", body " + body
		}
	}
	result := g.result(op)
	doc := firstSentence(name, op)
	if item, isList := strings.CutPrefix(result, "List"); isList && query != "" {
		item = g.reference(item)
		comment(&g.calls, "", doc)
		fmt.Fprintf(&g.calls, "func (c *Client) %s(%s) (Page[%s], error) {\n\treturn list[%s](ctx, c, %s, %s)\n}\n\n", name, args, item, item, path, values)
		comment(&g.calls, "", "All"+name+" walks over all pages of "+name+". After an error it ends.")
		fmt.Fprintf(&g.calls, "func (c *Client) All%s(%s) iter.Seq2[%s, error] {\n\treturn all[%s](ctx, c, %s, %s)\n}\n\n", name, args, item, item, path, values)
		return nil
	} else if isList {
		item = g.reference(item)
		comment(&g.calls, "", doc)
		fmt.Fprintf(&g.calls, "func (c *Client) %s(%s) ([]%s, error) {\n\tpage, err := list[%s](ctx, c, %s, %s)\n\treturn page.Data, err\n}\n\n", name, args, item, item, path, values)
		return nil
	}
	comment(&g.calls, "", doc)
	request := fmt.Sprintf("call{method: http.Method%s, path: %s", strings.ToUpper(op.method[:1])+op.method[1:], path)
	if query != "" {
		request += ", query: " + values
	}
	if body != "" {
		request += ", body: body"
	}
	if op.method != "post" {
		request += ", repeat: true"
	}
	request += "}"
	if result == "" {
		fmt.Fprintf(&g.calls, "func (c *Client) %s(%s) error {\n\treturn c.do(ctx, %s, nil)\n}\n\n", name, args, request)
		return nil
	}
	result = g.reference(result)
	fmt.Fprintf(&g.calls, "func (c *Client) %s(%s) (%s, error) {\n\treturn send[%s](ctx, c, %s)\n}\n\n", name, args, result, result, request)
	return nil
}

// smallest returns the schema that stands for the body: that of changes where creation takes
// the same members.
func (g *generator) smallest(ref string) string {
	name := ref[strings.LastIndex(ref, "/")+1:]
	if part := g.partOf(name); part != "" && len(g.schemas[part].Properties) == len(g.schemas[name].Properties) {
		return part
	}
	return name
}

// resultsOf queues the types that an operation answers with.
func (g *generator) resultsOf(op *operation) {
	for _, status := range successes {
		if s := op.Responses[status].Content["application/json"].Schema; s != nil && s.Ref != "" {
			g.reference(s.Ref)
		}
	}
}

// result returns the name of the schema that a success answers with; "" for none.
func (g *generator) result(op *operation) string {
	for _, status := range successes {
		if s := op.Responses[status].Content["application/json"].Schema; s != nil && s.Ref != "" {
			return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
		}
	}
	return ""
}

// query writes the struct of an operation's query parameters and returns its name: "" without
// parameters, and PageQuery where a page is all that they choose.
func (g *generator) query(method string, op *operation) (string, error) {
	var own []parameter
	paged := false
	for _, p := range op.Parameters {
		switch {
		case p.In != "query":
		case p.Name == "limit" || p.Name == "cursor":
			paged = true
		default:
			own = append(own, p)
		}
	}
	if len(own) == 0 {
		if paged {
			return "PageQuery", nil
		}
		return "", nil
	}
	name := method + "Query"
	var fields, sets strings.Builder
	for _, p := range own {
		comment(&fields, "\t", p.Description)
		kind, set := "string", "setText"
		switch {
		case p.Schema.Format == "date-time":
			kind, set = "time.Time", "setTime"
		case typeName(p.Schema) == "boolean", len(p.Schema.Enum) > 0 && p.Schema.Enum[0] == "true":
			kind, set = "bool", "setBool"
		case typeName(p.Schema) == "integer":
			kind, set = "int", "setInt"
		}
		fmt.Fprintf(&fields, "\t%s %s\n", goName(p.Name), kind)
		fmt.Fprintf(&sets, "\t%s(v, %q, q.%s)\n", set, p.Name, goName(p.Name))
	}
	start, embedded := "url.Values{}", ""
	if paged {
		start, embedded = "q.PageQuery.values()", "\tPageQuery\n"
	}
	if known := g.queries[embedded+fields.String()]; known != "" {
		return known, nil
	}
	g.queries[embedded+fields.String()] = name
	fmt.Fprintf(&g.calls, "// %s holds the query of [Client.%s]. A field with its zero value is left out.\ntype %s struct {\n%s%s}\n\n", name, method, name, embedded, fields.String())
	fmt.Fprintf(&g.calls, "func (q %s) values() url.Values {\n\tv := %s\n%s\treturn v\n}\n\n", name, start, sets.String())
	return name, nil
}
