package client

import (
	"context"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Page is a part of a list.
type Page[T any] struct {
	Data []T `json:"data"`
	// NextCursor is the Cursor of the next page; "" at the end of the list.
	NextCursor string `json:"next_cursor"`
}

// PageQuery selects a page of a list.
type PageQuery struct {
	// Limit is the size of a page, 1 to 200; 0 for the server's default.
	Limit int
	// Cursor is the NextCursor of the previous page; "" for the first page.
	Cursor string
}

func (q PageQuery) values() url.Values {
	v := url.Values{}
	setInt(v, "limit", q.Limit)
	setText(v, "cursor", q.Cursor)
	return v
}

func setText(v url.Values, name, value string) {
	if value != "" {
		v.Set(name, value)
	}
}

func setTime(v url.Values, name string, at time.Time) {
	if !at.IsZero() {
		v.Set(name, at.UTC().Format(time.RFC3339Nano))
	}
}

func setInt(v url.Values, name string, value int) {
	if value != 0 {
		v.Set(name, strconv.Itoa(value))
	}
}

func setBool(v url.Values, name string, value bool) {
	if value {
		v.Set(name, "true")
	}
}

// list returns one page.
func list[T any](ctx context.Context, c *Client, path string, query url.Values) (Page[T], error) {
	return send[Page[T]](ctx, c, call{method: http.MethodGet, path: path, query: query, repeat: true})
}

// all iterates over every item from the query's cursor on. It ends after an error.
func all[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		query := maps.Clone(query) // the iterator may be used again
		for {
			page, err := list[T](ctx, c, path, query)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Data {
				if !yield(item, nil) {
					return
				}
			}
			if page.NextCursor == "" {
				return
			}
			query.Set("cursor", page.NextCursor)
		}
	}
}
