package peal

// Suspicion is the evidence that the attempt of a delivery ends the process that makes it.
// The zero Suspicion is no evidence, as for nearly every delivery.
type Suspicion struct {
	// Ends counts the processes that ended without a farewell while the delivery was due in
	// their memory, since an attempt of it last came to its end.
	Ends int
	// Strikes weighs those ends by the delivery's mark: StrikeAlone or StrikeWaiting each.
	Strikes int
}

// The weights of a process's end. They are added up.
const (
	StrikeWaiting = 1  // it waited for its endpoint's answer
	StrikeAlone   = 16 // it was attempted, and no other suspect

	alonesOut   = 2 // so many ends of a process set a delivery aside
	waitingsOut = 8
)

// Alone counts the ends while it was attempted alone.
func (s Suspicion) Alone() int { return s.Strikes / StrikeAlone }

// Waiting counts the ends while it waited for its endpoint's answer.
func (s Suspicion) Waiting() int { return s.Strikes % StrikeAlone / StrikeWaiting }

// IsConvicted reports whether the delivery is to be set aside.
func (s Suspicion) IsConvicted() bool { return s.Alone() >= alonesOut || s.Waiting() >= waitingsOut }

// Mark is what a node does with a suspect: what an end of its process counts.
type Mark int

// The marks.
const (
	MarkOff     Mark = iota // it is not attempted
	MarkAlone               // it is attempted, and no other suspect of the node
	MarkWaiting             // its attempt waits for its endpoint's answer
	MarkCleared             // its attempt has come to an end: it is no suspect any more
)
