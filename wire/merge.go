package wire

// merged is an object in the making: a member that comes again replaces the value
// of the first, which keeps its place, as in a Python dict.
type merged struct {
	members []member
	places  map[string]int // by name in plain style, so that "a" and "\u0061" are one
}

type member struct{ name, value []byte }

func (m *merged) set(name, value []byte) {
	key := string(Plain.Append(make([]byte, 0, 64), name))
	if place, ok := m.places[key]; ok {
		m.members[place].value = value
		return
	}
	if m.places == nil {
		m.places = make(map[string]int)
	}
	m.places[key] = len(m.members)
	m.members = append(m.members, member{name, value})
}

// setAll merges an object's members.
func (m *merged) setAll(object []byte) {
	for name, value := range members(object) {
		m.set(name, value)
	}
}

// append appends the object in a style.
func (m *merged) append(dst []byte, style Style) []byte {
	comma, colon := ",", ":"
	if style == Python {
		comma, colon = ", ", ": "
	}
	dst = append(dst, '{')
	for i, member := range m.members {
		if i > 0 {
			dst = append(dst, comma...)
		}
		dst = style.Append(dst, member.name)
		dst = append(dst, colon...)
		dst = style.Append(dst, member.value)
	}
	return append(dst, '}')
}
