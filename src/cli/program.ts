import { Command as Commander, CommanderError } from 'commander'
import { version } from '../version.js'
import { type Command, exit, type Options } from './command.js'
import { commands } from './commands.js'

/** Parses the command line and runs one command. Returns the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let code: number = exit.ok
  // `lvskeeper events | head`: who reads has what he wanted.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(exit.ok)
    throw error
  })
  const program = new Commander('lvskeeper')
    .description(
      'High-availability controller for Linux Virtual Server: VRRP, health checks and the kernel IPVS table.',
    )
    .version(version)
    .exitOverride()
    .showHelpAfterError('(lvskeeper --help lists the commands)')
    .configureHelp({ sortSubcommands: false })
  for (const command of commands)
    add(program, command, result => {
      code = result
    })
  try {
    await program.parseAsync([...argv])
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exit.ok : exit.usage
    throw error
  }
}

function add(program: Commander, command: Command, done: (code: number) => void): void {
  const sub = program.command(command.name).summary(command.summary).description(command.summary).exitOverride()
  if (command.args) sub.arguments(command.args)
  const usage = `lvskeeper ${command.name} [options]${command.args ? ` ${command.args}` : ''}`
  sub.showHelpAfterError(`usage: ${usage}\nlike:  ${command.examples[0]}\n(lvskeeper help ${command.name} says more)`)
  for (const option of command.options ?? []) sub.option(option.flags, option.text, option.default)
  sub.addHelpText('after', `\nExamples:\n${command.examples.map(line => `  ${line}`).join('\n')}`)
  sub.action(async (...received: unknown[]) => {
    const options = received.at(-2) as Options
    const args = received.slice(0, -2).flat() as (string | undefined)[]
    const run = await command.load()
    done(
      await run({
        args,
        options,
        out: text => void process.stdout.write(text),
        err: text => void process.stderr.write(text),
      }),
    )
  })
}
