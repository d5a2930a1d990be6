#!/bin/sh
# Looks for known vulnerabilities in what the program is made of. The list of them is on the network;
# where it cannot be reached, this says so and passes.
set -u

out=$("$1" ./... 2>&1)
code=$?
if [ $code = 0 ]; then
	echo "govulncheck: nothing known"
	exit 0
fi
case $out in
*"fetching vulnerabilities"*)
	echo "govulncheck: skipped, the list of vulnerabilities cannot be reached"
	exit 0
	;;
esac
echo "$out"
exit $code
