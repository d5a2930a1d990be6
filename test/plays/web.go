package plays

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"kith/internal/xmltree"
)

// request makes one by HTTP: METHOD ADDRESS, with headers and content. The answer is an element like
//
//	<response status='200'><header name='Content-Type'>text/plain</header><content>hello</content></response>
func (s *stage) request(ctx context.Context, step Step) error {
	address, err := s.names.fillRaw(strings.Join(step.Words[1:], " "))
	if err != nil {
		return err
	}
	client, base := s.house.Web()
	if strings.HasPrefix(address, "/") {
		address = base + address
	}
	var content io.Reader = http.NoBody
	var headers [][2]string
	for _, b := range step.Block {
		text, err := s.names.fillRaw(b.Element.Text())
		if err != nil {
			return err
		}
		switch b.Element.Local() {
		case "content":
			content = strings.NewReader(text)
		case "header":
			headers = append(headers, [2]string{b.Element.Attr("name"), text})
		default:
			return fmt.Errorf("%s is no part of a request", b.Text)
		}
	}
	r, err := http.NewRequestWithContext(ctx, step.Words[0], address, content)
	if err != nil {
		return err
	}
	for _, h := range headers {
		r.Header.Add(h[0], h[1])
	}
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	w := xmltree.NewWriter(len(body)).Open("jabber:client", "response", "status", strconv.Itoa(resp.StatusCode))
	for name, values := range resp.Header {
		for _, v := range values {
			w.Element("", "header", v, "name", name)
		}
	}
	w.Element("", "content", string(body)).Close()
	blocks, err := parse(w.String())
	if err != nil {
		return err
	}
	s.answer = blocks[0].Element
	s.note("web > " + step.Words[0] + " " + address + "\nweb < " + s.answer.Source())
	if !s.answeredNext(step) && !slices.Contains([]int{http.StatusOK, http.StatusCreated, http.StatusNoContent}, resp.StatusCode) {
		return fmt.Errorf("the answer is %s", s.answer.Source())
	}
	return nil
}
