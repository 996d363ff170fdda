package match

import (
	"strconv"

	"github.com/itchyny/gojq"
)

// pathNode is a place in a tree of paths that were written to.
type pathNode struct {
	below   map[string]*pathNode
	written bool
}

// weightOfNode is what a step in the tree costs, in units.
const weightOfNode = 16

// payOverlaps pays for writing to several paths. The language copies a part of a value
// when it first writes into it and changes the copy from then on; but it copies again
// what a path has handed out, or what was put there since. So a path that leads to
// where an earlier one has written, or through it, pays for the whole value and for
// what is written.
func payOverlaps(m *meter, value any, args []any) error {
	weight, err := m.weigh(value)
	if err != nil {
		return err
	}
	written, err := m.weigh(args[1])
	if err != nil {
		return err
	}
	paths, _ := args[0].([]any)
	root := &pathNode{}
	for _, path := range paths {
		keys, _ := path.([]any)
		handed, through, err := root.write(m, keys)
		if err != nil {
			return err
		}
		if handed {
			err = m.pay(2 * (weight + written))
		} else if through {
			err = m.pay(2 * written)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// write adds a path. It reports whether the path hands out what an earlier one has
// written into, or may do so, and whether it leads through what an earlier one has put there.
func (n *pathNode) write(m *meter, keys []any) (handed, through bool, err error) {
	for _, key := range keys {
		if err := m.pay(weightOfNode); err != nil {
			return false, false, err
		}
		through = through || n.written
		name, plain := "", false
		switch k := key.(type) {
		case string:
			name, plain = "."+k, true
			if err := m.pay(len(k) / bytesPerUnit); err != nil {
				return false, false, err
			}
		case map[string]any: // a slice is a part of what others name by indices
		default:
			if i, ok := gojq.ToInt(key); ok && i >= 0 {
				name, plain = strconv.Itoa(i), true
			}
		}
		if !plain {
			return true, true, nil
		}
		if n.below == nil {
			n.below = make(map[string]*pathNode)
		}
		next := n.below[name]
		if next == nil {
			next = &pathNode{}
			n.below[name] = next
		}
		n = next
	}
	n.written = true
	return len(n.below) > 0, through, nil
}
