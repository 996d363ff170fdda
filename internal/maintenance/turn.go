package maintenance

import (
	"context"

	"github.com/pealhq/peal/internal/processor"
)

// inTurn runs a step of work for all tenants in a turn of the processor, so that what one tenant
// makes it do slows nobody else.
func inTurn(ctx context.Context, step func() error) error {
	turn := processor.Shared.Turn(processor.Background).Patient()
	if err := turn.Enter(ctx); err != nil {
		return err
	}
	defer turn.Leave()
	return step()
}
