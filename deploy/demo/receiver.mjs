// Takes the alerts in the lab: one JSON line on standard output for each, with the time of its arrival.
import { createServer } from 'node:http'

createServer((request, response) => {
  let body = ''
  request.on('data', part => {
    body += part
  })
  request.on('end', () => {
    for (const line of lines(body)) console.log(JSON.stringify({ received: Date.now(), ...line }))
    response.end()
  })
}).listen(9000, () => console.log('{"listening":true}'))

function lines(body) {
  const message = JSON.parse(body)
  return (message.alerts ?? [message]).map(alert => ({
    node: message.node,
    name: alert.event?.name ?? alert.name,
    text: alert.event?.text ?? alert.text,
  }))
}
