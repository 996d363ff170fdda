package postgres

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/pealhq/peal"
)

// channel is where the schema's signals pass.
func (s *Store) channel() string { return "peal_" + s.options.Schema }

// textOf writes a signal: its kind, and the webhook's id behind a space.
func textOf(signal peal.NodeSignal) string {
	if signal.WebhookID.IsZero() {
		return string(signal.Kind)
	}
	return string(signal.Kind) + " " + signal.WebhookID.String()
}

// signalOf reads what textOf wrote; ok is false for what no version of this wrote.
func signalOf(text string) (signal peal.NodeSignal, ok bool) {
	kind, id, has := strings.Cut(text, " ")
	signal.Kind = peal.SignalKind(kind)
	if has {
		var err error
		if signal.WebhookID, err = peal.ParseWebhookID(id); err != nil {
			return signal, false
		}
	}
	return signal, true
}

// Signal implements [peal.NodeStore].
func (s *Store) Signal(ctx context.Context, signals ...peal.NodeSignal) error {
	if len(signals) == 0 {
		return ctx.Err()
	}
	texts := make([]string, len(signals))
	for i, signal := range signals {
		texts[i] = textOf(signal)
	}
	_, err := s.exec(ctx, `SELECT pg_notify($1, u.text) FROM unnest($2::text[]) u(text)`, s.channel(), texts)
	return translate("signal", err)
}

// signal sends a signal when the transaction is committed.
func (t *tx) signal(signal peal.NodeSignal) error {
	_, err := t.exec(`SELECT pg_notify($1, $2)`, t.s.channel(), textOf(signal))
	return err
}

// Watch implements [peal.NodeStore]. It hears through a connection of its own; see
// [Options.ListenURL].
func (s *Store) Watch(ctx context.Context, heard func(peal.NodeSignal)) error {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	defer func() { cancel(); <-ended }()
	go func() {
		defer close(ended)
		select {
		case <-s.closed:
			cancel()
		case <-ctx.Done():
		}
	}()
	for ctx.Err() == nil {
		// Whatever ended it, it is begun anew: signals are hints, nobody waits for one.
		_ = s.listen(ctx, heard)
		_ = wait(ctx, retryAfter)
	}
	return nil
}

func (s *Store) listen(ctx context.Context, heard func(peal.NodeSignal)) error {
	config, err := s.options.listenConfig()
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `LISTEN `+s.channel()); err != nil {
		return err
	}
	for {
		note, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		if signal, ok := signalOf(note.Payload); ok {
			heard(signal)
		}
	}
}
