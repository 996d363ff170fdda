package record

import (
	"fmt"

	"github.com/pealhq/peal"
)

// An insert of more than MostTogether deliveries is written in parts: its events and, as lists, all
// its deliveries in one transaction, which is the promise; then each list, of PartDeliveries at
// most, becomes rows in a separate transaction.
const (
	MostTogether   = 1000
	PartDeliveries = 500
)

// Spread is a delivery in a list.
type Spread struct {
	Event      peal.EventKey
	Delivery   peal.DeliveryID
	Webhook    peal.WebhookID
	Held, Test bool
}

const (
	spreadSize = 3*16 + 1
	spreadHeld = 1
	spreadTest = 2
)

// Part is a stored list of deliveries. Its key ID is that of its first delivery; First and Last are
// the smallest and the largest key of its events.
type Part struct {
	ID          peal.DeliveryID
	First, Last peal.EventKey
	List        []byte
}

// PartsOf returns the deliveries of the selected insertions as lists.
func PartsOf(insertions []peal.Insertion, wanted func(i int) bool) []Part {
	var parts []Part
	for i := range insertions {
		if !wanted(i) {
			continue
		}
		key := insertions[i].Event.Key
		for j := range insertions[i].Deliveries {
			d := &insertions[i].Deliveries[j]
			if len(parts) == 0 || len(parts[len(parts)-1].List) == PartDeliveries*spreadSize {
				parts = append(parts, Part{ID: d.ID, First: key, Last: key, List: make([]byte, 0, PartDeliveries*spreadSize)})
			}
			parts[len(parts)-1].add(key, d)
		}
	}
	return parts
}

func (p *Part) add(event peal.EventKey, d *peal.NewDelivery) {
	if event.Compare(p.First) < 0 {
		p.First = event
	}
	if event.Compare(p.Last) > 0 {
		p.Last = event
	}
	flags := byte(0)
	if d.Held {
		flags |= spreadHeld
	}
	if d.Test {
		flags |= spreadTest
	}
	p.List = append(append(append(append(p.List, event[:]...), d.ID[:]...), d.WebhookID[:]...), flags)
}

// ParseSpread parses the list of a part.
func ParseSpread(list []byte) ([]Spread, error) {
	if len(list)%spreadSize != 0 {
		return nil, fmt.Errorf("a list of deliveries has %d bytes, which is not a multiple of %d", len(list), spreadSize)
	}
	spread := make([]Spread, 0, len(list)/spreadSize)
	for ; len(list) > 0; list = list[spreadSize:] {
		spread = append(spread, Spread{
			Event: peal.EventKey(list[:16]), Delivery: peal.DeliveryID(list[16:32]), Webhook: peal.WebhookID(list[32:48]),
			Held: list[48]&spreadHeld != 0, Test: list[48]&spreadTest != 0,
		})
	}
	return spread, nil
}

// DeliveriesIn returns the number of deliveries of insertions.
func DeliveriesIn(insertions []peal.Insertion) (n int) {
	for i := range insertions {
		n += len(insertions[i].Deliveries)
	}
	return n
}

// Released marks the deliveries of a part as unclaimed in the insertions.
func Released(insertions []peal.Insertion, part *Part) {
	spread, err := ParseSpread(part.List)
	if err != nil {
		return // PartsOf made the list
	}
	in := make(map[peal.DeliveryID]bool, len(spread))
	for i := range spread {
		in[spread[i].Delivery] = true
	}
	for i := range insertions {
		for j := range insertions[i].Deliveries {
			if d := &insertions[i].Deliveries[j]; in[d.ID] {
				d.Held = false
			}
		}
	}
}
