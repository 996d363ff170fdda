package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pealhq/peal/client"
	"github.com/pealhq/peal/internal/progress"
	"github.com/pealhq/peal/internal/terminal"
)

const replayHeads = "ID, STATUS, DONE, REPLAYED, SINCE, UNTIL, CREATED"

func replayRow(c *call, r client.Replay) []string {
	return []string{
		r.ID, r.Status, fmt.Sprintf("%d/%d", r.Done, r.Total), strconv.Itoa(r.Replayed), exact(r.Since), exact(r.Until), c.ago(r.CreatedAt),
	}
}

func printReplay(_ *call, w io.Writer, r client.Replay) {
	fields(w, []field{
		{"id", r.ID}, {"webhook", r.WebhookID}, {"status", r.Status}, {"reason", r.Reason},
		{"since", exact(r.Since)}, {"until", exact(r.Until)}, {"deliveries", strings.Join(r.Statuses, ", ")},
		{"event types", strings.Join(r.EventTypes, ", ")}, {"missed events", when(r.Missed, "yes")},
		{"done", fmt.Sprintf("%d of %d", r.Done, r.Total)}, {"replayed", strconv.Itoa(r.Replayed)},
		{"created", exact(r.CreatedAt)}, {"ended", exact(r.EndedAt)},
	})
}

func printReplayCanceled(_ *call, w io.Writer, r client.Replay) {
	fmt.Fprintf(w, "replay %s is canceled\n", terminal.Safe(r.ID))
}

func replayWebhook(c *call) error {
	if c.on("dry-run") && c.on("wait") {
		return usagef(c.cmd, "--dry-run starts nothing to --wait for")
	}
	var choice client.ReplayRequest
	if err := c.fill(&choice); err != nil {
		return err
	}
	if slices.Equal(choice.Statuses, []string{"none"}) {
		choice.Statuses = []string{}
	}
	if c.on("dry-run") {
		does := "count what webhook %s would get"
		n, err := ask(c, does, func(api *client.Client, ctx context.Context) (client.ReplayCount, error) {
			return api.CountReplay(ctx, c.args[0], choice)
		})
		if err != nil {
			return err
		}
		return c.show(func(w io.Writer) {
			fmt.Fprintf(w, "would send %s again, and %s\n", count(n.Deliveries, "delivery"), count(n.Events, "missed event"))
		})
	}
	replay, err := ask(c, "replay to webhook %s", func(api *client.Client, ctx context.Context) (client.Replay, error) {
		replay, err := api.ReplayWebhook(ctx, c.args[0], choice)
		if err == nil && c.on("wait") {
			replay, err = c.await(api, replay)
		}
		return replay, err
	})
	if err != nil {
		return err
	}
	if err := c.show(func(w io.Writer) { printReplay(c, w, replay) }); err != nil {
		return err
	}
	if c.on("wait") && replay.Status != client.ReplayStatusDone {
		return fmt.Errorf("the replay ended early: %s", strings.TrimSpace(replay.Status+" "+terminal.Safe(replay.Reason)))
	}
	return nil
}

// awaitEvery is the time between two looks at a running replay.
const awaitEvery = 250 * time.Millisecond

// await waits for the end of a replay. On a terminal it shows a progress bar.
func (c *call) await(api *client.Client, replay client.Replay) (client.Replay, error) {
	done, total := replay.Done, replay.Total
	bar := progress.Start(c.Stderr, isTerminal(c.Stderr), func() (float64, string) {
		return min(float64(done)/float64(max(total, 1)), 1), fmt.Sprintf("%d of %d", done, total)
	})
	defer bar.Stop()
	for replay.Status == client.ReplayStatusRunning {
		select {
		case <-time.After(awaitEvery):
		case <-c.ctx.Done(): // the next call fails
		}
		now, err := api.Replay(c.ctx, replay.ID)
		if err != nil {
			return replay, fmt.Errorf("wait for replay %s, which continues: %w", replay.ID, err)
		}
		replay = now
		bar.Update(func() { done, total = now.Done, now.Total })
	}
	return replay, nil
}
