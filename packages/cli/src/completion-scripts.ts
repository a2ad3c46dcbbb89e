/** The shells that a script is made for. */
export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

// Each script hands the words typed so far to `hutong complete --` as arguments, and never to an eval: what is being typed may hold a
// command substitution, and pressing a key must not run it. The last line of the answer says whether names of files are offered.

const bash = `# hutong: completion for bash
_hutong() {
  local line current=\${COMP_WORDS[COMP_CWORD]}
  local -a answer=()
  COMPREPLY=()
  while IFS= read -r line; do
    answer+=("$line")
  done < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ \${#answer[@]} -eq 1 && \${answer[0]} == ':0' ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do
      COMPREPLY+=("$line")
    done < <(compgen -f -- "$current")
    return
  fi
  for line in "\${answer[@]}"; do
    [[ $line == *$'\\t'* ]] && COMPREPLY+=("\${line%%$'\\t'*}")
  done
}
complete -F _hutong hutong
`

const zsh = `#compdef hutong
# hutong: completion for zsh
_hutong() {
  local line
  local -a answer candidates
  answer=("\${(@f)$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in $answer; do
    [[ $line == *$'\\t'* ]] && candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( $#candidates )); then
    _describe hutong candidates
  elif [[ $answer[-1] == ':0' ]]; then
    _files
  fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _hutong "$@"
else
  compdef _hutong hutong
fi
`

const fish = `# hutong: completion for fish
function __hutong_complete
  set -l words (commandline -opc)
  set -l program $words[1]
  set -e words[1]
  set -l current (commandline -ct)
  set -l answer ($program complete -- $words "$current" 2>/dev/null)
  if test (count $answer) -gt 1
    printf '%s\\n' $answer[1..-2]
  else if test "$answer" = ':0'
    __fish_complete_path "$current"
  end
end
complete -c hutong -f -a '(__hutong_complete)'
`

/** The script of each shell, to be sourced or put where the shell looks for them. */
export const completionScripts: Readonly<Record<Shell, string>> = { bash, zsh, fish }
