package web

import (
	"embed"
	"net/http"

	"github.com/labstack/echo/v4"
)

//go:embed page
var pages embed.FS

// notBuilt explains a build by go alone, which has no app in it.
func (w *Web) notBuilt(c echo.Context) error {
	text, err := pages.ReadFile("page/notbuilt.html")
	if err != nil {
		return err
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.HTMLBlob(http.StatusServiceUnavailable, text)
}
