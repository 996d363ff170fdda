package lanes

import (
	"time"
)

// alarm is the time at which a lane may send again, or a held retry is due.
type alarm struct {
	at   time.Time
	lane *lane
	job  *Job // nil for the lane's own alarm
}

// setSlot notes where the alarm is in the heap; -1 for nowhere.
func (a *alarm) setSlot(i int) {
	if a.job != nil {
		a.job.slot = int32(i)
		return
	}
	a.lane.alarmSlot = int32(i)
}

// alarms is a heap of the alarms that are set, the earliest first.
type alarms []alarm

// set sets the alarm of a lane, whether or not it is set already.
func (h *alarms) set(l *lane, at time.Time) {
	if i := int(l.alarmSlot); i >= 0 {
		(*h)[i].at = at
		h.fix(i)
		return
	}
	h.push(alarm{at: at, lane: l})
}

// setJob sets the alarm of a job that is held until its time At.
func (h *alarms) setJob(j *Job) { h.push(alarm{j.At, j.lane, j}) }

// clear clears an alarm by its slot; -1 for one that is not set.
func (h *alarms) clear(slot int32) {
	if slot >= 0 {
		h.removeAt(int(slot))
	}
}

func (h *alarms) push(e alarm) {
	*h = append(*h, e)
	last := len(*h) - 1
	(*h)[last].setSlot(last)
	h.up(last)
}

// removeAt removes the alarm of a slot, and returns it.
func (h *alarms) removeAt(i int) alarm {
	old := *h
	removed, last := old[i], len(old)-1
	h.swap(i, last)
	old[last] = alarm{}
	*h = old[:last]
	removed.setSlot(-1)
	if i < last {
		h.fix(i)
	}
	return removed
}

func (h *alarms) fix(i int) {
	if !h.down(i) {
		h.up(i)
	}
}

func (h alarms) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].setSlot(i)
	h[j].setSlot(j)
}

func (h alarms) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h[i].at.Before(h[parent].at) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

// down reports whether the alarm has moved.
func (h alarms) down(i int) (moved bool) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return moved
		}
		if right := child + 1; right < len(h) && h[right].at.Before(h[child].at) {
			child = right
		}
		if !h[child].at.Before(h[i].at) {
			return moved
		}
		h.swap(i, child)
		i, moved = child, true
	}
}

// dueHeap orders lanes by the time that the store's next delivery for them is due.
type dueHeap []*lane

func (h dueHeap) Len() int { return len(h) }

func (h dueHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }

func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].dueSlot, h[j].dueSlot = i, j
}

func (h *dueHeap) Push(x any) {
	l := x.(*lane)
	l.dueSlot = len(*h)
	*h = append(*h, l)
}

func (h *dueHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	l.dueSlot = -1
	return l
}
