package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pealhq/peal/client"
)

// measureHistory compares the throughput of an empty database with that of one
// that holds delivered events: the same one after filling it, or one that was kept.
// Filling takes long enough for the machine's mood to change, so it is the parts of
// the bare loop that are compared.
func measureHistory(ctx context.Context, r *run) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	without, err := r.flowBesideBare(ctx, "empty")
	if err != nil {
		return err
	}
	withoutPart := part(without, r.bareRate)
	if r.options.HistoryDirectory != "" {
		if err := r.moveToKept(ctx); err != nil {
			return err
		}
	}
	if err := r.fill(ctx); err != nil {
		return err
	}
	with, err := r.flowBesideBare(ctx, "filled")
	if err != nil {
		return err
	}
	withPart := part(with, r.bareRate)
	r.figure("with/without", part(withPart, withoutPart), "", 0, r.options.History)
	r.Figures[0].ofBare = true
	r.figure("without", without, "events/s", withoutPart, 0)
	r.figure("with "+thousandsOf(r.options.History), with, "events/s", withPart, 0)
	return nil
}

// flowBesideBare measures single publishes of events of a type of their own.
func (r *run) flowBesideBare(ctx context.Context, what string) (rate float64, err error) {
	c, err := r.channel(ctx, tenantName, what, takes, 1)
	if err != nil {
		return 0, err
	}
	err = r.besideBare(ctx, func() error {
		rate, _, err = r.flow(ctx, c, r.options.Throughput, 0)
		return err
	})
	return rate, err
}

// fillStep is how many events are filled in before it is noted how many there are.
const fillStep = 100_000

// fill has events delivered until the database holds as many as the options say. A
// kept one that holds some already only gets the rest.
func (r *run) fill(ctx context.Context) error {
	filled, err := r.node.filled()
	if err != nil || filled >= r.options.History {
		return err
	}
	c, err := r.channel(ctx, tenantName, "filling", takes, 1)
	if err != nil {
		return err
	}
	c.batch = 100
	for filled < r.options.History {
		step := min(fillStep, r.options.History-filled)
		if _, _, err := r.flow(ctx, c, 0, step); err != nil {
			return err
		}
		filled += step
		if err := r.node.noteFilled(filled); err != nil {
			return err
		}
	}
	return nil
}

// moveToKept ends the scenario's server and goes on with one on the directory that is
// kept. Its webhooks of before are deleted: their endpoints are gone.
func (r *run) moveToKept(ctx context.Context) error {
	if err := r.finish(ctx); err != nil {
		return err
	}
	if err := r.node.remove(); err != nil {
		return err
	}
	var err error
	if r.node, err = newKeptNode(ctx, r.options, r.Name); err != nil {
		return err
	}
	api, err := r.node.api(tenantName)
	if err != nil {
		return err
	}
	for webhook, err := range api.AllWebhooks(ctx, client.WebhooksQuery{}) {
		if err == nil {
			err = api.DeleteWebhook(ctx, webhook.ID)
		}
		if err != nil {
			return fmt.Errorf("delete the webhooks of earlier runs: %w", err)
		}
	}
	return nil
}

// newKeptNode starts a server on the directory that is kept.
func newKeptNode(ctx context.Context, o *Options, name string) (*node, error) {
	directory, err := filepath.Abs(o.HistoryDirectory)
	if err == nil {
		err = os.MkdirAll(directory, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("make the directory of the history: %w", err)
	}
	n, err := prepareNode(o, directory, name)
	if err != nil {
		return nil, err
	}
	n.kept = true
	return n, n.start(ctx)
}

// filledFile says how many delivered events a kept database holds at least.
func (n *node) filledFile() string { return filepath.Join(n.directory, "delivered") }

func (n *node) filled() (int, error) {
	text, err := os.ReadFile(n.filledFile())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("learn how many events are delivered: %w", err)
	}
	count, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("learn how many events are delivered: %s: %w", n.filledFile(), err)
	}
	return count, nil
}

func (n *node) noteFilled(count int) error {
	if err := os.WriteFile(n.filledFile(), []byte(strconv.Itoa(count)+"\n"), 0o644); err != nil {
		return fmt.Errorf("note how many events are delivered: %w", err)
	}
	return nil
}
