package match

import (
	"context"
	"encoding/json"

	"github.com/pealhq/peal"
)

// transform is the compiled program of a webhook.
type transform struct{ program *Program }

func compileTransform(text string, limits Limits) (*transform, error) {
	program, err := CompileProgram("transform", text, limits)
	if err != nil {
		return nil, err
	}
	return &transform{program}, nil
}

func (t *transform) run(ctx context.Context, event *peal.Event) (json.RawMessage, error) {
	input, err := EventInput(event)
	if err != nil {
		return nil, peal.Invalidf("transform", "cannot read the event's data: %v", err)
	}
	return t.program.JSON(ctx, input)
}
