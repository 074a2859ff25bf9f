greeting() {
  echo "$1, $2!"
}
