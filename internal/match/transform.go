package match

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/itchyny/gojq"

	"github.com/pealhq/peal"
)

// transform is a compiled jq program.
type transform struct {
	code   *gojq.Code
	work   int
	time   time.Duration
	output int
}

func compileTransform(text string, limits Limits) (t *transform, err error) {
	defer func() {
		if r := recover(); r != nil { // a defect of the compiler must not end the process
			t, err = nil, peal.Invalidf("transform", "cannot be compiled: %v", r)
		}
	}()
	query, err := guardProgram(text)
	if err != nil {
		return nil, peal.Invalidf("transform", "does not compile: %s", syntaxWords(text, err))
	}
	code, err := gojq.Compile(query, jqFunctions()...)
	if err != nil {
		return nil, peal.Invalidf("transform", "does not compile: %s", oneLine(err.Error()))
	}
	return &transform{code: code, work: limits.TransformWork, time: limits.TransformTime, output: limits.Output}, nil
}

// syntaxWords says where in the program an error is, if the error knows.
func syntaxWords(text string, err error) string {
	var e *gojq.ParseError
	if !errors.As(err, &e) {
		return oneLine(err.Error())
	}
	before := text[:min(max(e.Offset-len(e.Token), 0), len(text))]
	line := strings.Count(before, "\n") + 1
	column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
	return fmt.Sprintf("%s at line %d, column %d", oneLine(err.Error()), line, column)
}

func (t *transform) run(ctx context.Context, event *peal.Event) (_ json.RawMessage, err error) {
	defer func() {
		if r := recover(); r != nil { // a defect of the machine costs this delivery, not the process
			err = peal.Invalidf("transform", "fails on this event: %v", r)
		}
	}()
	input, err := jqInput(event)
	if err != nil {
		return nil, peal.Invalidf("transform", "cannot read the event's data: %v", err)
	}
	meter := newMeter(ctx, t.work, t.time)
	results := t.code.RunWithContext(meter, input, meter)
	value, err := t.next(meter, results)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, peal.Invalidf("transform", "gives no value for this event: it must give exactly one")
	}
	second, err := t.next(meter, results)
	if err != nil {
		return nil, err
	}
	if second != nil {
		return nil, peal.Invalidf("transform", "gives more than one value for this event: put them in an array")
	}
	return t.encode(value.value)
}

// result is a value of a program; the value nil is JSON's null.
type result struct{ value any }

// next gives the program's next value; nil when there is none.
func (t *transform) next(meter *meter, results gojq.Iter) (*result, error) {
	value, ok := results.Next()
	if meter.failed != nil {
		if err := meter.Context.Err(); err != nil {
			return nil, err
		}
		return nil, peal.Invalidf("transform", "%v", meter.failed)
	}
	if !ok {
		return nil, nil
	}
	if err, ok := value.(error); ok {
		return nil, peal.Invalidf("transform", "fails on this event: %s", oneLine(err.Error()))
	}
	return &result{value}, nil
}

func (t *transform) encode(value any) (json.RawMessage, error) {
	e := encoder{limit: t.output}
	if err := e.value(value, 0); err != nil {
		return nil, peal.Invalidf("transform", "%v", err)
	}
	return e.out, nil
}

// jqInput is the event as programs see it.
func jqInput(event *peal.Event) (map[string]any, error) {
	data, err := decode(event.Data)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"id": event.ID, "type": event.Type, "subject": event.Subject, "time": event.Time.String(),
		"tenant": event.Tenant, "data": data,
	}, nil
}
