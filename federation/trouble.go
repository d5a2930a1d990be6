package federation

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"kith/internal/stream"
)

// trouble is why two servers do not come together: words that both sides and their people may read,
// and the cause for the operator.
type trouble struct {
	words string
	cause error
}

func (t *trouble) Error() string {
	if t.cause != nil {
		return t.words + ": " + t.cause.Error()
	}
	return t.words
}

func (t *trouble) Unwrap() error { return t.cause }

// refusal is a stream error that the other server has sent, in words.
func refusal(e *stream.Error) error {
	words := "it ended the connection: " + clean(string(e.Condition))
	if e.Text != "" {
		words += " (" + clean(strings.TrimRight(e.Text, ".")) + ")"
	}
	return &trouble{words: words}
}

// maxWords bounds what is quoted of another server.
const maxWords = 200

// clean makes text of another server fit to be shown.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxWords {
		s = strings.ToValidUTF8(s[:maxWords], "") + "..."
	}
	return s
}

// publicWords are what people may be told of an error, "" for nothing.
func publicWords(err error) string {
	t, ok := errors.AsType[*trouble](err)
	switch {
	case ok:
		return t.words
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "it does not answer"
	case errors.Is(err, errPrivate), errors.Is(err, errNoDomain), errors.Is(err, errNoService):
		return err.Error()
	default:
		return ""
	}
}
