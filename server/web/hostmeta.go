package web

import (
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// relWebSocket is the link relation of XEP-0156 section 4.1.
const relWebSocket = "urn:xmpp:alt-connections:websocket"

// webSocketURL is where the WebSocket is reached from outside.
func (w *Web) webSocketURL() string {
	return "ws" + strings.TrimPrefix(w.opts.BaseURL, "http") + "/ws"
}

// public lets the pages of other sites read the answer, as XEP-0156 section 5 asks.
func public(c echo.Context) {
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "public, max-age=3600")
}

type hostMeta struct {
	XMLName xml.Name       `xml:"http://docs.oasis-open.org/ns/xri/xrd-1.0 XRD" json:"-"`
	Links   []hostMetaLink `xml:"Link" json:"links"`
}

type hostMetaLink struct {
	Rel  string `xml:"rel,attr" json:"rel"`
	Href string `xml:"href,attr" json:"href"`
}

func (w *Web) meta() hostMeta {
	return hostMeta{Links: []hostMetaLink{{Rel: relWebSocket, Href: w.webSocketURL()}}}
}

func (w *Web) hostMeta(c echo.Context) error {
	text, err := xml.Marshal(w.meta())
	if err != nil {
		return err
	}
	public(c)
	return c.Blob(http.StatusOK, "application/xrd+xml; charset=utf-8", append([]byte(xml.Header), text...))
}

func (w *Web) hostMetaJSON(c echo.Context) error {
	public(c)
	return c.JSON(http.StatusOK, w.meta())
}
