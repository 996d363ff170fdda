package egress

import "strconv"

// PortRange is ports from First to Last, both included.
type PortRange struct{ First, Last uint16 }

// Port is a range of one port.
func Port(n uint16) PortRange { return PortRange{n, n} }

func (r PortRange) valid() bool { return r.First >= 1 && r.First <= r.Last }

// String writes the range as the configuration does: 443 or 1024-65535.
func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return strconv.Itoa(int(r.First)) + "-" + strconv.Itoa(int(r.Last))
}
