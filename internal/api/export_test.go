package api

// What the fuzz tests reach into.
var (
	Decode       = func(body []byte) error { var in WebhookInput; return decode(body, &in) }
	IsProblem    = func(err error) bool { return translate(err).kind.status < 500 }
	CursorAny    = func(kind byte, text string) (string, bool) { return parseCursor(listKind(kind), text) }
	CursorText   = func(kind byte, last string) string { return cursorOf(listKind(kind), last) }
	AppendString = appendString
	KindTypes    = func() []string {
		var list []string
		for _, k := range allKinds {
			list = append(list, typePrefix+k.name)
		}
		return list
	}
)
