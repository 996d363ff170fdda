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
	"github.com/pealhq/peal/internal/message"
)

// Program is a jq program that returns exactly one value for its input, within limits.
type Program struct {
	field  string // the field in errors
	code   *gojq.Code
	bytes  int // approximate size in memory
	work   int
	time   time.Duration
	output int
}

// CompileProgram compiles a program. Errors have code [peal.Invalid] and the given field.
func CompileProgram(field, text string, limits Limits) (p *Program, err error) {
	defer func() {
		if r := recover(); r != nil { // a defect of the compiler must not end the process
			p, err = nil, peal.Fault(field, message.CannotCompile, r)
		}
	}()
	query, bytes, err := guardProgram(text)
	if err != nil {
		return nil, peal.Fault(field, message.DoesNotCompile, syntaxWords(text, err))
	}
	code, err := gojq.Compile(query, jqFunctions(&patterns{})...)
	if err != nil {
		return nil, peal.Fault(field, message.DoesNotCompile, firstLine(err.Error()))
	}
	return &Program{field: field, code: code, bytes: bytes, work: limits.TransformWork, time: limits.TransformTime, output: limits.Output}, nil
}

// syntaxWords returns the text of an error with its position in the program, if known.
func syntaxWords(text string, err error) string {
	var e *gojq.ParseError
	if !errors.As(err, &e) {
		return firstLine(err.Error())
	}
	before := text[:min(max(e.Offset-len(e.Token), 0), len(text))]
	line := strings.Count(before, "\n") + 1
	column := len([]rune(before[strings.LastIndexByte(before, '\n')+1:])) + 1
	return fmt.Sprintf("%s at line %d, column %d", firstLine(err.Error()), line, column)
}

// Input is the input of a program.
type Input struct {
	// Texts are the JSON texts that Make decodes. Their decoding is paid in advance.
	Texts []json.RawMessage
	// Make returns the input in the types of package json, numbers as json.Number. It must not
	// change during the run.
	Make func() (map[string]any, error)
}

func (in *Input) size() int {
	size := 0
	for _, text := range in.Texts {
		size += decodedSize(text)
	}
	return size
}

// JSON runs the program and returns its value as [Route.Transform] does. The error has code
// [peal.Invalid] or is that of [Purse.Err].
func (p *Program) JSON(purse *Purse, input *Input) (json.RawMessage, error) {
	var made json.RawMessage
	err := p.within(purse, input, func(value any) error {
		e := encoder{limit: p.output}
		if err := e.value(value, 0); err != nil {
			return about(p.field, err)
		}
		made = e.out
		return nil
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// Text is like JSON for a program with a string as its value, and returns the string itself.
func (p *Program) Text(purse *Purse, input *Input) (string, error) {
	var made string
	err := p.within(purse, input, func(value any) error {
		text, ok := value.(string)
		if !ok {
			return peal.Fault(p.field, message.EventResult, kindOf(value))
		}
		if len(text) > p.output {
			return peal.Fault(p.field, message.ResultTooLong, p.output)
		}
		made = text
		return nil
	})
	return made, err
}

// within runs the program and passes its value to take, all within the purse's turn.
func (p *Program) within(purse *Purse, input *Input, take func(value any) error) error {
	size := input.size()
	unread := func() int { return size / UnitBytes }
	err := purse.run(p.work, size, p.time, unread, func(m *meter) error {
		in, err := input.Make()
		if err != nil {
			return peal.Fault(p.field, message.EventUnreadable, err)
		}
		value, err := p.runOn(m, in)
		if err != nil {
			return unwrapRaised(err)
		}
		return take(value)
	})
	if err == errShare || err == errData {
		return about(p.field, err)
	}
	return err
}

// probeTime bounds a probe. It is so long that on any machine, however busy, the limit of work ends
// a probe first.
const probeTime = 10 * time.Second

// Probe runs the program on a sample input to find a program that does not end or does not return a
// single value before it is used. Probe ignores an error that the program raises for the sample.
// With text, the value must be a string, or null for missing input.
func (p *Program) Probe(ctx context.Context, input map[string]any, text bool) error {
	value, err := p.run(ctx, input, max(p.time, probeTime))
	if _, ok := err.(*raised); ok {
		return nil
	}
	if err != nil {
		return err
	}
	if _, ok := value.(string); text && !ok && value != nil {
		return peal.Fault(p.field, message.StringResult, kindOf(value))
	}
	e := encoder{limit: p.output}
	if err := e.value(value, 0); err != nil {
		return about(p.field, err)
	}
	return nil
}

// EventInput returns an event in the form that programs read.
func EventInput(event *peal.Event) (map[string]any, error) {
	data, err := decode(event.Data)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"id": event.ID, "type": event.Type, "subject": event.Subject, "time": event.Time.String(),
		"tenant": event.Tenant, "data": data,
	}, nil
}

// run returns the single value of the program.
func (p *Program) run(ctx context.Context, input map[string]any, limit time.Duration) (value any, err error) {
	var m meter
	m.reset(ctx, context.Background(), p.work, limit)
	return p.runOn(&m, input)
}

func (p *Program) runOn(meter *meter, input map[string]any) (value any, err error) {
	defer func() {
		if r := recover(); r != nil { // a defect of the machine must only fail this delivery, not the process
			value, err = nil, p.raise(r)
		}
	}()
	results := p.code.RunWithContext(meter, input, meter)
	first, err := p.next(meter, results)
	if err != nil {
		return nil, err
	}
	if first == nil {
		return nil, peal.Fault(p.field, message.NoResult)
	}
	second, err := p.next(meter, results)
	if err != nil {
		return nil, err
	}
	if second != nil {
		return nil, peal.Fault(p.field, message.SeveralResults)
	}
	return first.value, nil
}

// result is a value of a program; the value nil is JSON's null.
type result struct{ value any }

// next returns the program's next value, or nil.
func (p *Program) next(meter *meter, results gojq.Iter) (*result, error) {
	value, ok := results.Next()
	if meter.failed != nil {
		if meter.failed != errWork && meter.failed != errTime && (meter.Context.Err() != nil || meter.stop.Err() != nil) {
			return nil, meter.failed
		}
		return nil, about(p.field, meter.failed)
	}
	if !ok {
		return nil, nil
	}
	if err, ok := value.(error); ok {
		return nil, p.raise(firstLine(err.Error()))
	}
	return &result{value}, nil
}

// raised is an error that the program raised for its input, such as a string instead of a number.
// It may accept another input.
type raised struct{ err *peal.Error }

func (r *raised) Error() string { return r.err.Error() }

func (p *Program) raise(what any) error {
	return &raised{peal.Fault(p.field, message.ProgramFails, what)}
}

// unwrapRaised returns the [peal.Error] in a raised error.
func unwrapRaised(err error) error {
	if r, ok := err.(*raised); ok {
		return r.err
	}
	return err
}
