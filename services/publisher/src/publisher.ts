import { randomUUID } from 'node:crypto'
import { batchLimits } from '@hutong/batch'
import type { Event, Refusal } from '@hutong/licence'
import type { NoteSigner } from '@hutong/merkle'
import { type Logger, turn } from '@hutong/service'
import { StaleWriterError, type Store, StoreBrokenError, StoreFullError, StoreUnavailableError } from '@hutong/store'
import type { EventReading } from '@hutong/wire'
import { type Adoption, adopt, readOwn } from './adopt.ts'
import type { Place } from './documents.ts'
import { heartbeat } from './heartbeat.ts'
import type { Hub, Known, ZoneVerifier } from './hub.ts'
import { HubFaultError, HubView } from './hub-view.ts'
import {
  type AskedEvent,
  askedEvent,
  BatchJudge,
  type Client,
  type Judgement,
  judgeForm,
  mayLiveElsewhere,
} from './judge-request.ts'
import { BackOff, Bell, pause } from './pause.ts'
import { type Stage, Watermark } from './receipts.ts'
import { publisherRefusal } from './refusals.ts'
import { Sender } from './sender.ts'
import type { PublisherSettings } from './settings.ts'
import { AnotherWriterError, type SealedBatch, ZoneLog } from './zone-log.ts'

/** What a publisher is made of. */
export interface PublisherParts {
  readonly zone: string
  /** Origin of the zone's log. */
  readonly origin: string
  /** SHA-256 of charter 0. */
  readonly pinnedCharterSha256: Uint8Array
  readonly store: Store
  readonly hub: Hub
  /** The zone's own verifier; undefined where there is none: then it counts as one that does not answer. */
  readonly verifier: ZoneVerifier | undefined
  /** The zone's keys, under the log's origin. */
  readonly signers: readonly NoteSigner[]
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Milliseconds from anywhere, never falling. */
  readonly monotonic: () => number
  /** So many random bytes, fit for secrets. */
  readonly random: (bytes: number) => Uint8Array
  readonly logger: Logger
  readonly settings: PublisherSettings
}

/** What a client asks. */
export interface PublishOrder {
  readonly client: Client
  readonly items: readonly { readonly requestId: string; readonly event: EventReading }[]
  readonly waitFor: Stage
  /** How long the caller can be kept waiting, in milliseconds. */
  readonly patienceMs: number
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal
}

/** Outcomes in the order asked; or nothing at all was looked at, and why. */
export type PublishAnswer =
  | { readonly kind: 'outcomes'; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

export type Outcome =
  | {
      readonly kind: 'published'
      readonly index: bigint
      readonly leafHash: Uint8Array
      readonly stage: Stage
      /** H index; undefined while only sealed. */
      readonly position: bigint | undefined
      readonly duplicate: boolean
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

export interface PublisherStatus {
  readonly zone: string
  readonly origin: string
  readonly size: bigint
  readonly outbox: number
  readonly hubAnswered: boolean
  readonly refuses: Refusal | undefined
  readonly observedHead: Uint8Array
  readonly observedAtMs: number
}

/** How often a step that failed with an unknown outcome is judged anew before its callers are told. */
const maxStepAttempts = 3

/**
 * The publisher of a zone: takes events, judges each before anything is written, seals what stands in batches, and offers them to the
 * hub. One at work for a zone: the one that raised the term of the store last.
 */
export class Publisher implements AsyncDisposable {
  readonly #parts: PublisherParts
  readonly #view: HubView
  readonly #sender: Sender
  readonly #writer: string = randomUUID()
  readonly #queue: Waiting[] = []
  readonly #stopping: AbortController = new AbortController()
  readonly #toSend: Bell = new Bell()
  readonly #toPoll: Bell = new Bell()
  readonly #sequenced: Watermark = new Watermark()
  readonly #witnessed: Watermark = new Watermark()
  readonly #failed: PromiseWithResolvers<Error> = Promise.withResolvers()
  #log: ZoneLog | undefined
  #opened = false
  #queuedEvents = 0
  #sealing = false
  #agreed = false
  #beaten = false
  /** Why nothing is sealed until an operator acts or the process starts anew. */
  #stopped: Refusal | undefined
  #exclusive: Promise<unknown> = Promise.resolve()
  readonly #tasks: Promise<void>[] = []

  private constructor(parts: PublisherParts) {
    this.#parts = parts
    const { hub, signers, monotonic, logger, settings } = parts
    this.#view = new HubView(hub, parts.pinnedCharterSha256, monotonic)
    this.#sender = new Sender({
      hub,
      view: this.#view,
      signers,
      bell: this.#toSend,
      monotonic,
      logger,
      initialRetryMs: settings.initialRetryMs,
      maxRetryMs: settings.maxRetryMs,
      log: () => (this.#agreed && this.#stopped === undefined ? this.#log : undefined),
      answered: (batch) => this.#sequenced.raise(batch.size),
      compare: () => this.#alone(() => this.#compareAgain()),
      stop: (code, why) => this.#stop(code, why),
      storeFailed: (error) => this.#storeFailed(error),
    })
  }

  /**
   * Takes the zone's log over, as its only writer, and begins to ask the hub. Nothing is sealed before the hub has answered.
   *
   * @throws {AnotherWriterError} another publisher takes it at this moment.
   */
  static async start(parts: PublisherParts): Promise<Publisher> {
    const publisher = new Publisher(parts)
    publisher.#log = await publisher.#open()
    publisher.#opened = true
    publisher.#run()
    return publisher
  }

  /** Resolves with what makes this process useless: it must end. Never rejects. */
  get failed(): Promise<Error> {
    return this.#failed.promise
  }

  status(): PublisherStatus {
    const { zone, origin } = this.#parts
    return {
      zone,
      origin,
      size: this.#log?.size ?? 0n,
      outbox: this.#log?.outbox ?? 0,
      hubAnswered: this.#view.trust !== undefined && this.#view.hubNowMs() !== undefined,
      refuses: this.#refuses(),
      observedHead: this.#log?.observedHead ?? new Uint8Array(),
      observedAtMs: this.#log?.observedAtMs ?? 0,
    }
  }

  /**
   * Publishes events: each has its own outcome. Returns at the stage asked or when patience ends, whichever is first, and says the
   * stage reached; what is SEALED then is never lost.
   */
  async publish(order: PublishOrder): Promise<PublishAnswer> {
    const refusal = this.#refuses() ?? (this.#hasRoom(order.items.length) ? undefined : publisherRefusal('QUEUE_FULL'))
    if (refusal !== undefined) return { kind: 'refused', refusal }
    const patience = new AbortController()
    const stop = () => patience.abort()
    const timer = setTimeout(stop, order.patienceMs)
    order.signal.addEventListener('abort', stop)
    this.#stopping.signal.addEventListener('abort', stop)
    try {
      const settled = await this.#seal(order, patience.signal)
      if (!Array.isArray(settled)) return { kind: 'refused', refusal: settled as Refusal }
      return { kind: 'outcomes', outcomes: await this.#waitFor(order.waitFor, settled, patience.signal) }
    } finally {
      clearTimeout(timer)
      order.signal.removeEventListener('abort', stop)
      this.#stopping.signal.removeEventListener('abort', stop)
    }
  }

  /** Takes over what this zone had signed and no longer holds; with `dryRun` only says what that would be. */
  async adopt(dryRun: boolean): Promise<Adoption> {
    return this.#alone(async () => {
      try {
        return await this.#adopt(dryRun)
      } catch (error) {
        if (!isStoreError(error)) throw error
        this.#storeFailed(error)
        const refusal = publisherRefusal(error instanceof StoreFullError ? 'DISK_FULL' : 'STORE_UNAVAILABLE')
        return { kind: 'refused', oldSize: 0n, refusal }
      }
    })
  }

  async #adopt(dryRun: boolean): Promise<Adoption> {
    const { hub, signers, origin } = this.#parts
    await this.#view.refreshCharters()
    const trust = this.#view.trust
    const log = await this.#openLog()
    if (trust === undefined) {
      return { kind: 'refused', oldSize: log.size, refusal: publisherRefusal('HUB_NOT_ANSWERED') }
    }
    const known = await this.#known()
    const adoption = await adopt(log, hub, known, this.#view.ownKeys(origin, signers), trust, dryRun)
    if (adoption.kind === 'refused' || dryRun || adoption.newSize === adoption.oldSize) return adoption
    this.#log = undefined
    await this.#openLog()
    this.#stopped = undefined
    await this.#compare()
    return adoption
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort()
    await Promise.all(this.#tasks)
    await this.#exclusive.catch(() => {})
    // What is not kept is asked for again in the next run.
    await this.#log?.keepAnswers().catch(() => {})
    this.#refuseQueued(publisherRefusal('SHUTTING_DOWN'))
  }

  #run(): void {
    const { signal } = this.#stopping
    this.#tasks.push(this.#meetHub(signal), this.#sender.run(signal), this.#pollHub(signal), this.#beat(signal))
  }

  // --- the hub's first answer, and what it says of our log

  async #meetHub(signal: AbortSignal): Promise<void> {
    const backOff = new BackOff(this.#parts.settings.initialRetryMs, this.#parts.settings.maxRetryMs)
    while (!signal.aborted && !this.#agreed && this.#stopped === undefined) {
      try {
        await this.#alone(() => this.#meet())
      } catch (error) {
        if (isStoreError(error)) this.#storeFailed(error)
        else if (error instanceof HubFaultError) this.#stop('HUB_FAULT', error.message)
        else this.#parts.logger.warn({ err: error }, 'the hub has not answered; nothing is sealed')
      }
      if (!this.#agreed) await backOff.pause(signal)
    }
  }

  async #meet(): Promise<void> {
    if (this.#agreed || this.#stopped !== undefined) return
    await this.#view.refreshCharters()
    if (this.#view.trust === undefined) return
    await this.#view.refreshHeads()
    await this.#compare()
  }

  async #known(): Promise<Known> {
    const { hub, origin, monotonic } = this.#parts
    const askedAtMs = monotonic()
    const known = await hub.known(origin)
    this.#view.heardClock(known.clockMs, askedAtMs)
    return known
  }

  /** Compares what the hub last accepted of this log with what is here. State loss is equivocation: who is behind does not sign. */
  async #compare(): Promise<void> {
    const { origin, signers } = this.#parts
    const known = await this.#known()
    const log = await this.#openLog()
    const ownKeys = this.#view.ownKeys(origin, signers)
    if (known.size > 0n) {
      const signed = readOwn(known.checkpoint, ownKeys, origin)
      if (signed === undefined || signed.size !== known.size)
        return this.#stop('HUB_FAULT', 'its checkpoint is not ours')
      const root = await log.rootAt(known.size)
      if (root === undefined || Buffer.compare(root, signed.root) !== 0) {
        return this.#stop('ADOPT_NEEDED', `the hub holds ${known.size} leaves, here are ${log.size}`)
      }
    }
    await log.finishDeadStep(ownKeys)
    if (known.size < log.answeredSize) await log.sendAgainFrom(known.size)
    this.#agreed = true
    this.#sequenced.raise(log.answeredSize)
    this.#toSend.ring()
  }

  async #compareAgain(): Promise<void> {
    try {
      await this.#compare()
    } catch (error) {
      if (isStoreError(error)) this.#storeFailed(error)
      throw error
    }
  }

  async #pollHub(signal: AbortSignal): Promise<void> {
    const { settings, logger } = this.#parts
    while (!signal.aborted) {
      const awaited = this.#witnessed.waiting > 0
      if (awaited) await pause(settings.witnessPollMs, signal)
      else await this.#toPoll.heard(signal, settings.hubPollMs)
      if (signal.aborted || this.#view.trust === undefined) continue
      try {
        if (!awaited) await this.#view.refreshCharters()
        await this.#view.refreshHeads()
        this.#witnessed.raise(this.#view.cosignedSize)
      } catch (error) {
        if (error instanceof HubFaultError) this.#stop('HUB_FAULT', error.message)
        else logger.debug({ err: error }, 'the hub gave no heads')
        await pause(settings.initialRetryMs, signal)
      }
    }
  }

  // --- whether anything may be sealed now

  #refuses(): Refusal | undefined {
    if (this.#stopping.signal.aborted) return publisherRefusal('SHUTTING_DOWN')
    if (this.#stopped !== undefined) return this.#stopped
    if (!this.#agreed) return publisherRefusal('HUB_NOT_ANSWERED')
    if (this.#signersNow() === undefined) return publisherRefusal('KEY_MISMATCH')
    return this.#clockIsOff() ? publisherRefusal('CLOCK_OFF') : undefined
  }

  /** Judged by the hub's last answer and the monotonic clock since, so that it is noticed also while the hub is away. */
  #clockIsOff(): boolean {
    const hubNowMs = this.#view.hubNowMs()
    const { charter } = this.#view
    if (hubNowMs === undefined || charter === undefined) return true
    return Math.abs(this.#parts.clock() - hubNowMs) > charter.maxClockOffsetMs
  }

  #signersNow(): readonly NoteSigner[] | undefined {
    return this.#view.acceptedSigners(this.#parts.origin, this.#parts.signers)
  }

  #stop(code: Parameters<typeof publisherRefusal>[0] | (string & {}), why: string): void {
    if (this.#stopped?.code === code) return
    this.#parts.logger.error({ code, why }, 'the publisher seals nothing')
    this.#stopped = refusalOf(code, why)
    this.#refuseQueued(this.#stopped)
  }

  #storeFailed(error: unknown): void {
    // What is durable is unknown: nothing in memory is believed any more. Opening anew also tells whether another writer is at work.
    this.#log = undefined
    if (error instanceof AnotherWriterError) {
      this.#stop('STOPPED_ANOTHER_WRITER', error.message)
      return
    }
    this.#parts.logger.error({ err: error }, 'the store failed; the log is opened anew before anything is written')
    if (error instanceof StoreBrokenError) this.#failed.resolve(error)
  }

  // --- from the queue into the log

  #hasRoom(events: number): boolean {
    return this.#queuedEvents + events <= this.#parts.settings.maxQueuedEvents
  }

  async #seal(order: PublishOrder, patience: AbortSignal): Promise<readonly Settled[] | Refusal> {
    const judged = order.items.map(({ requestId, event }) => judgeItem(order.client, requestId, event))
    const elsewhere = await this.#askElsewhere(judged)
    const { promise, resolve } = Promise.withResolvers<readonly Settled[] | Refusal>()
    const waiting: Waiting = {
      events: [],
      places: [],
      settled: [],
      left: 0,
      next: 0,
      attempts: 0,
      resolve,
      over: false,
    }
    for (const [place, item] of judged.entries()) {
      if (item.kind === 'refused') waiting.settled[place] = item
      else {
        const { client } = order
        waiting.events.push(askedEvent(client, order.items[place]!.requestId, item.event, elsewhere.get(place)))
        waiting.places.push(place)
      }
    }
    waiting.left = waiting.events.length
    if (waiting.left === 0) return waiting.settled
    const giveUp = () => this.#giveUp(waiting)
    patience.addEventListener('abort', giveUp)
    this.#enqueue(waiting)
    try {
      return await promise
    } finally {
      patience.removeEventListener('abort', giveUp)
    }
  }

  /** Asks the zone's verifier about identifiers that may live in another zone's log; one question for a whole request. */
  async #askElsewhere(judged: readonly JudgedItem[]): Promise<ReadonlyMap<number, AskedEvent['elsewhere']>> {
    const { charter } = this.#view
    const asked = new Map<number, string>()
    for (const [place, item] of judged.entries()) {
      if (item.kind === 'refused' || charter === undefined || !mayLiveElsewhere(charter, item.event)) continue
      asked.set(place, askedEvent(noClient, '', item.event, undefined).subjectString!)
    }
    if (asked.size === 0) return new Map()
    try {
      const zones = await this.#parts.verifier?.zonesOf([...asked.values()])
      return new Map([...asked.keys()].map((place, at) => [place, zones?.[at] ?? 'unknown']))
    } catch (error) {
      this.#parts.logger.warn({ err: error }, "the zone's verifier does not answer")
      return new Map([...asked.keys()].map((place) => [place, 'unknown']))
    }
  }

  #enqueue(waiting: Waiting): void {
    this.#queue.push(waiting)
    this.#queuedEvents += waiting.events.length
    if (this.#sealing) return
    this.#sealing = true
    // At the next turn of the loop, so that what has arrived together is sealed together; an idle zone pays no linger.
    void turn().then(() => this.#sealQueued())
  }

  async #sealQueued(): Promise<void> {
    while (this.#queue.length > 0) {
      await this.#alone(() => this.#sealNext())
      // The embedded store works on this thread: without a turn of the loop no answer would leave until the queue is empty.
      await turn()
    }
    this.#sealing = false
  }

  async #sealNext(): Promise<void> {
    this.#dropFinished()
    const refusal = this.#refuses()
    if (refusal !== undefined) return this.#refuseQueued(refusal)
    const taken = this.#take()
    if (taken.length === 0) return
    try {
      await this.#sealBatch(taken)
    } catch (error) {
      this.#stepFailed(taken, error)
      await pause(this.#parts.settings.initialRetryMs, this.#stopping.signal)
    }
  }

  /** What the next batch is judged from: whole events in the order of the queue. */
  #take(): Taken[] {
    const taken: Taken[] = []
    for (const waiting of this.#queue) {
      for (let at = waiting.next; at < waiting.events.length; at++) {
        if (taken.length === batchLimits.entries) return taken
        taken.push({ waiting, at, event: waiting.events[at]! })
      }
    }
    return taken
  }

  async #sealBatch(taken: readonly Taken[]): Promise<void> {
    const log = await this.#openLog()
    const signers = this.#signersNow()!
    const judge = await this.#judgeOf(
      log,
      taken.map(({ event }) => event),
    )
    const judgements: Judgement[] = []
    for (const { event } of taken) {
      const judgement = judge.judge(event)
      if (judgement === undefined) break
      judgements.push(judgement)
    }
    let sealed: Awaited<ReturnType<ZoneLog['append']>> | undefined
    if (judge.entries.length > 0) {
      sealed = await log.append(judge.entries, signers)
      log.remember(judge.changed)
      this.#toSend.ring()
    }
    for (const [at, judgement] of judgements.entries()) {
      const { waiting, at: place } = taken[at]!
      this.#advance(waiting, place + 1)
      await this.#settle(waiting, place, judgement, log, sealed)
    }
    this.#dropFinished()
  }

  #advance(waiting: Waiting, next: number): void {
    if (next <= waiting.next) return
    this.#queuedEvents -= next - waiting.next
    waiting.next = next
  }

  async #judgeOf(log: ZoneLog, events: readonly AskedEvent[]): Promise<BatchJudge> {
    const { trust, charter } = this.#view
    const { zone, origin, random, clock } = this.#parts
    const keys = events.flatMap(({ key }) => (key === '' ? [] : [key]))
    const strings = new Set(events.flatMap(({ subjectString }) => (subjectString === undefined ? [] : [subjectString])))
    return new BatchJudge({
      zone,
      origin,
      firstIndex: log.size,
      loggedAtMs: Math.max(Math.floor(clock()), log.newestLoggedAtMs),
      charter: charter!,
      subjects: await log.subjects(strings, trust!),
      requests: await log.requests([...new Set(keys)]),
      random,
    })
  }

  async #settle(
    waiting: Waiting,
    place: number,
    judgement: Judgement,
    log: ZoneLog,
    sealed: Awaited<ReturnType<ZoneLog['append']>> | undefined,
  ): Promise<void> {
    const settled = await settledOf(judgement, log, sealed, waiting.attempts > 0)
    waiting.settled[waiting.places[place]!] = settled
    waiting.left--
    if (waiting.left === 0) waiting.resolve(waiting.settled)
  }

  /**
   * The outcome of the step is unknown. The log is opened anew and the same events are judged again: where the step did happen, their
   * request ids are found in it.
   */
  #stepFailed(taken: readonly Taken[], error: unknown): void {
    if (!isStoreError(error)) {
      // A mistake of ours in these events must not hold up the others for ever.
      this.#parts.logger.error({ err: error }, 'a batch could not be sealed')
      this.#log = undefined
      this.#answerTaken(taken, publisherRefusal('STORE_UNAVAILABLE'))
      return
    }
    this.#storeFailed(error)
    if (this.#stopped !== undefined) return
    if (error instanceof StoreFullError) {
      this.#refuseQueued(publisherRefusal('DISK_FULL'))
      return
    }
    const requests = new Set(taken.map(({ waiting }) => waiting))
    for (const waiting of requests) waiting.attempts++
    const spent = taken.filter(({ waiting }) => waiting.attempts >= maxStepAttempts)
    this.#answerTaken(spent, publisherRefusal('STORE_UNAVAILABLE'))
  }

  #answerTaken(taken: readonly Taken[], refusal: Refusal): void {
    for (const waiting of new Set(taken.map((one) => one.waiting))) this.#finish(waiting, refusal)
    this.#dropFinished()
  }

  #refuseQueued(refusal: Refusal): void {
    for (const waiting of this.#queue) this.#finish(waiting, refusal)
    this.#dropFinished()
  }

  #giveUp(waiting: Waiting): void {
    this.#finish(waiting, publisherRefusal('NOT_SEALED_IN_TIME'))
    this.#dropFinished()
  }

  /** Events that have their outcome keep it: those are in the log. Only where none has, the whole request is refused. */
  #finish(waiting: Waiting, refusal: Refusal): void {
    if (waiting.over) return
    waiting.over = true
    if (waiting.settled.every((one) => one === undefined)) {
      waiting.resolve(refusal)
      return
    }
    for (const place of waiting.places) waiting.settled[place] ??= { kind: 'refused', refusal }
    waiting.resolve(waiting.settled)
  }

  #dropFinished(): void {
    let kept = 0
    for (const waiting of this.#queue) {
      if (waiting.over) this.#advance(waiting, waiting.events.length)
      if (waiting.next < waiting.events.length) this.#queue[kept++] = waiting
    }
    this.#queue.length = kept
  }

  // --- stages

  async #waitFor(wanted: Stage, settled: readonly Settled[], patience: AbortSignal): Promise<readonly Outcome[]> {
    const firstIndexes = new Set<bigint>()
    for (const one of settled) if (one.kind === 'published') firstIndexes.add(one.place.firstIndex)
    if (wanted !== 'sealed' && firstIndexes.size > 0) {
      const last = newestOf(firstIndexes)
      const sequenced = await this.#sequenced.reach(last + 1n, patience)
      if (wanted === 'witnessed' && sequenced) {
        const newest = newestOf((await this.#positions(firstIndexes)).values())
        this.#toPoll.ring()
        await this.#witnessed.reach(newest + 1n, patience)
      }
    }
    const positions = await this.#positions(firstIndexes)
    return settled.map((one) => this.#outcomeOf(one, positions))
  }

  async #positions(firstIndexes: Iterable<bigint>): Promise<ReadonlyMap<bigint, bigint>> {
    try {
      return (await this.#log?.positions(firstIndexes)) ?? new Map()
    } catch (error) {
      // The events are sealed all the same: say only that.
      this.#storeFailed(error)
      return new Map()
    }
  }

  #outcomeOf(settled: Settled, positions: ReadonlyMap<bigint, bigint>): Outcome {
    if (settled.kind === 'refused') return settled
    const { place, leafHash, duplicate } = settled
    const position = positions.get(place.firstIndex)
    const witnessed = position !== undefined && position < this.#witnessed.value
    const stage = position === undefined ? 'sealed' : witnessed ? 'witnessed' : 'sequenced'
    return { kind: 'published', index: place.index, leafHash, stage, position, duplicate }
  }

  // --- heartbeat

  async #beat(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(this.#parts.settings.heartbeatCheckMs, signal)
      if (signal.aborted || !this.#isBeatDue()) continue
      await this.beat()
    }
  }

  #isBeatDue(): boolean {
    const log = this.#log
    const { charter } = this.#view
    if (log === undefined || charter === undefined || log.outbox > 0 || this.#refuses() !== undefined) return false
    // The first of each run is due at once: whoever waits for this zone to be back learns it without waiting for a quiet minute.
    return !this.#beaten || this.#parts.clock() - log.observedAtMs > charter.heartbeatMs
  }

  /** Appends one heartbeat now, due or not. */
  async beat(): Promise<void> {
    const { verifier, logger } = this.#parts
    const event = await heartbeat(verifier, this.#log?.observedHead ?? new Uint8Array(), logger)
    const asked: AskedEvent = {
      client: noClient,
      requestId: '',
      event,
      subjectString: undefined,
      key: '',
      elsewhere: undefined,
    }
    const { promise, resolve } = Promise.withResolvers<readonly Settled[] | Refusal>()
    this.#enqueue({ events: [asked], places: [0], settled: [], left: 1, next: 0, attempts: 0, resolve, over: false })
    const settled = await promise
    if (Array.isArray(settled) && settled[0]?.kind === 'published') this.#beaten = true
  }

  // --- the log

  #open(): Promise<ZoneLog> {
    const { zone, origin, store, settings } = this.#parts
    return ZoneLog.open({
      zone,
      origin,
      store,
      writer: this.#writer,
      reopening: this.#opened,
      maxCachedSubjects: settings.maxCachedSubjects,
    })
  }

  async #openLog(): Promise<ZoneLog> {
    if (this.#log !== undefined) return this.#log
    const log = await this.#open()
    const { trust } = this.#view
    if (trust !== undefined && this.#agreed)
      await log.finishDeadStep(this.#view.ownKeys(this.#parts.origin, this.#parts.signers))
    this.#log = log
    this.#toSend.ring()
    return log
  }

  /** One at a time: whatever reads the log in order to write it. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#exclusive.then(work, work)
    // Its caller hears of a failure; the next in turn need not.
    this.#exclusive = turn.catch(() => {})
    return turn
  }
}

/** A request on its way into the log. */
interface Waiting {
  /** Its events whose form is good. */
  readonly events: AskedEvent[]
  /** For each of them its place in the request. */
  readonly places: number[]
  /** By place in the request; filled as they are settled. */
  readonly settled: Settled[]
  left: number
  /** The first event not yet settled. */
  next: number
  attempts: number
  readonly resolve: (settled: readonly Settled[] | Refusal) => void
  over: boolean
}

interface Taken {
  readonly waiting: Waiting
  readonly at: number
  readonly event: AskedEvent
}

type Settled =
  | { readonly kind: 'published'; readonly place: Place; readonly leafHash: Uint8Array; readonly duplicate: boolean }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

type JudgedItem =
  | { readonly kind: 'good'; readonly event: Event }
  | { readonly kind: 'refused'; readonly refusal: Refusal }

const noClient: Client = { name: '', authorities: [] }

function judgeItem(client: Client, requestId: string, reading: EventReading): JudgedItem {
  if (reading.kind !== 'event') {
    return { kind: 'refused', refusal: publisherRefusal('NOT_PUBLISHABLE', { field: 'event', expected: reading.why }) }
  }
  const refusal = judgeForm(client, requestId, reading.event)
  return refusal === undefined ? { kind: 'good', event: reading.event } : { kind: 'refused', refusal }
}

async function settledOf(
  judgement: Judgement,
  log: ZoneLog,
  sealed: (SealedBatch & { readonly leafHashes: readonly Uint8Array[] }) | undefined,
  judgedAgain: boolean,
): Promise<Settled> {
  switch (judgement.kind) {
    case 'refused':
      return judgement
    case 'accepted': {
      const { firstIndex, leafHashes } = sealed!
      const leafHash = leafHashes[Number(judgement.index - firstIndex)]!
      return { kind: 'published', place: { index: judgement.index, firstIndex }, leafHash, duplicate: false }
    }
    case 'duplicate': {
      // After a step of unknown outcome its own events are found: for the caller that is no duplicate.
      const leafHash = await log.leafHashAt(judgement.place)
      return { kind: 'published', place: judgement.place, leafHash, duplicate: !judgedAgain }
    }
  }
}

function newestOf(indexes: Iterable<bigint>): bigint {
  let newest = 0n
  for (const index of indexes) if (index > newest) newest = index
  return newest
}

function refusalOf(code: string, why: string): Refusal {
  return publisherRefusal(code as Parameters<typeof publisherRefusal>[0], { expected: why })
}

function isStoreError(error: unknown): boolean {
  return (
    error instanceof AnotherWriterError ||
    error instanceof StaleWriterError ||
    error instanceof StoreUnavailableError ||
    error instanceof StoreFullError ||
    error instanceof StoreBrokenError
  )
}
