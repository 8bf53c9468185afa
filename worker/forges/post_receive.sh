#!/bin/sh
# Tells Headrace which refs have moved. Save as hooks/post-receive, mode 700: it holds the hook's key.
# Needs curl and openssl. Whatever happens here, the push has succeeded already.

url=@HOOK_URL@

# HMAC-SHA256 of standard input, in base64.
sign() {
    {
        printf '@OUTER_PAD@'
        { printf '@INNER_PAD@'; cat; } | openssl dgst -sha256 -binary
    } | openssl dgst -sha256 -binary | openssl base64 -A
}

say() { echo "headrace: $*" >&2; }

for tool in curl openssl; do
    command -v "$tool" >/dev/null || { say "no run: $tool is not installed on the git server"; exit 0; }
done

updates=
while read -r before after ref; do
    ref=$(printf '%s' "$ref" | sed 's/"/\\"/g')
    updates="$updates${updates:+,}{\"ref\":\"$ref\",\"before\":\"$before\",\"after\":\"$after\"}"
done
body="{\"updates\":[$updates]}"
id=$(openssl rand -hex 16)
now=$(date +%s)
signature=$(printf '%s.%s.%s' "$id" "$now" "$body" | sign)

answer=$(printf '%s' "$body" | curl --silent --show-error --connect-timeout 3 --max-time 5 \
    --header 'Content-Type: application/json' --header "webhook-id: $id" --header "webhook-timestamp: $now" \
    --header "webhook-signature: v1,$signature" --data-binary @- --write-out ' %{http_code}' "$url" 2>&1)

case $answer in
*' 202') printf '%s' "$answer" | sed 's/.*"runs"://' | grep -o '"url":"[^"]*"' | cut -d '"' -f 4 |
    while read -r run; do say "$run"; done ;;
*' 200') say "no run: $(printf '%s' "$answer" | sed -n 's/.*"ignored":"\(.*\)".*/\1/p')" ;;
*' 000'*) say "no run: can't reach $url: $(printf '%s' "$answer" | tr '\n' ' ' | sed 's/ *000 *$//; s/^ *000 *//')" ;;
*) say "no run: $url answered $(printf '%s' "$answer" | sed 's/.*"detail":"\([^"]*\)".* \([0-9]*\)$/\2: \1/')" ;;
esac
exit 0
