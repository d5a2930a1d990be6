// Package bench measures Kith beside the programs that people compare it with, on one machine and in one run,
// since nothing else can be compared: its server beside Prosody and ejabberd, as Debian has them, and its web app
// beside converse.js. make bench prints ratios. Nothing is asserted, and nothing leaves the machine.
package bench
